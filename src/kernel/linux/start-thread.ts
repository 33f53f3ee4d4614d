/** Starts the thread that `netns-worker.ts` is. Apart from who speaks with it: tests start one that was translated beforehand. */
import { Worker } from 'node:worker_threads'

/** What the thread is told at its birth. */
export type ThreadData = { readonly hostNetns: string | undefined }

/** Built, it is plain JavaScript. From sources, it needs a loader of its own, whatever the main thread has. */
export function startThread(workerData: ThreadData): Worker {
  const self = import.meta.url
  if (!self.endsWith('.ts')) return new Worker(new URL('./netns-worker.js', self), { workerData })
  const [loader, file] = [import.meta.resolve('tsx/esm/api'), new URL('./netns-worker.ts', self).href]
  const code = `import('${loader}').then((tsx) => tsx.tsImport('${file}', '${self}'))`
  return new Worker(code, { eval: true, workerData })
}
