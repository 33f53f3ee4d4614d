/**
 * In the place of the kernel port's own (vitest.config.ts): a test opens the port anew, and translating the thread's sources each time
 * took longer than what most tests do.
 */
import { Worker } from 'node:worker_threads'
import { startThread as fromSources, type ThreadData } from '../../src/kernel/linux/start-thread.ts'
import { built } from './built.ts'

const WORKER = built('bin/netns-worker.js')

export const startThread = (workerData: ThreadData): Worker =>
  WORKER === undefined ? fromSources(workerData) : new Worker(WORKER, { workerData })
