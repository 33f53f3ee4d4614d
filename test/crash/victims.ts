/** Processes to kill. The sources are translated once, since a process that translates for itself starts too late to kill it often. */
import { fork, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Acknowledged, Found } from './engine.child.ts'
import type { RealHost } from '../linux/host.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The engine's child as JavaScript, in a directory that {@link Victims.remove} removes. */
export class Victims {
  readonly #dir: string

  private constructor(dir: string) {
    this.#dir = dir
  }

  static async translate(): Promise<Victims> {
    const dir = await mkdtemp(join(tmpdir(), 'chronet-crash-'))
    const from = (...names: string[]): string[] => names.map((name) => join(ROOT, name))
    const config = {
      compilerOptions: {
        declaration: false,
        noCheck: true,
        outDir: dir,
        paths: {},
        rootDir: ROOT,
        sourceMap: false,
        types: [],
      },
      extends: join(ROOT, 'tsconfig.build.json'),
      include: from('events', 'machines', 'projections', 'src', 'test/crash/engine.child.ts'),
    }
    await writeFile(join(dir, 'tsconfig.json'), JSON.stringify(config))
    await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'))
    await symlink(join(ROOT, 'package.json'), join(dir, 'package.json'))
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
    const [status] = (await once(
      spawn(process.execPath, [compiler, '-p', join(dir, 'tsconfig.json')], { stdio: 'inherit' }),
      'exit',
    )) as [number]
    if (status !== 0) throw new Error(`the sources could not be translated (status ${status})`)
    return new Victims(dir)
  }

  /** A process that waits for the word, on this host. */
  ready(host: RealHost, what: 'halfway' | 'work' = 'work'): Victim {
    const args = [host.dataDir, host.runDir, host.netns, what]
    const stdio = ['ignore', 'pipe', 'inherit', 'ipc'] as const
    return new Victim(fork(join(this.#dir, 'test/crash/engine.child.js'), args, { stdio: [...stdio] }))
  }

  remove(): Promise<void> {
    return rm(this.#dir, { recursive: true })
  }
}

export class Victim {
  readonly acknowledged: Acknowledged[] = []
  /** Settles when it is dead and all that it said was heard. */
  readonly ended: Promise<void>
  readonly #child: ChildProcess
  readonly #waiting: { readonly isSo: () => boolean; readonly resolve: () => void }[] = []
  #found: Found | undefined
  #isHalfway = false

  constructor(child: ChildProcess) {
    this.#child = child
    if (child.stdout === null) throw new Error('it has no voice')
    const lines = createInterface(child.stdout)
    lines.on('line', (line) => this.#hear(line))
    this.ended = Promise.all([once(child, 'exit'), once(lines, 'close')]).then(() => undefined)
  }

  /** Opens, and looks whether all that was acknowledged is there. */
  start(acknowledged: readonly Acknowledged[]): void {
    this.#child.send(acknowledged)
  }

  /** What its start found. Rejects if it died before. */
  async found(): Promise<Found> {
    await this.until(() => this.#found !== undefined)
    if (this.#found === undefined) throw new Error('it died before it was open')
    return this.#found
  }

  work(): void {
    this.#child.send('work')
  }

  /** How often it acknowledged a command. */
  count(type: string): number {
    return this.acknowledged.filter((each) => each.type === type).length
  }

  get isHalfway(): boolean {
    return this.#isHalfway
  }

  /** Settles when what it said makes this true, or it is dead. */
  async until(isSo: () => boolean): Promise<void> {
    if (isSo()) return
    await Promise.race([this.ended, new Promise<void>((resolve) => this.#waiting.push({ isSo, resolve }))])
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  #hear(line: string): void {
    if (line === 'halfway') this.#isHalfway = true
    else if (line.startsWith('{"lost"')) this.#found = JSON.parse(line) as Found
    else if (line.startsWith('{')) this.acknowledged.push(JSON.parse(line) as Acknowledged)
    for (const waiter of this.#waiting) if (waiter.isSo()) waiter.resolve()
  }
}
