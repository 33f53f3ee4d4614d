/** The examples, and the code block of the README, run as they stand. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { RealHost } from './host.ts'

const run = promisify(execFile)
const tsx = (file: string) => run(process.execPath, ['--import', 'tsx', file])

describe('examples/quickstart.ts', () => {
  it('joins an endpoint to a sandbox, and remembers it after all is deleted', async () => {
    const { stderr, stdout } = await tsx('examples/quickstart.ts')
    expect(stderr).toBe('')
    expect(stdout).toMatch(
      /^Joined endpoint Endpoint1 \(02:42:0a:4d:00:02\) to sandbox container1 \(\/.*\)$/m,
    )
    expect(stdout).toMatch(/as it was at #\d+: \[ 'network1' \] \[ 'Endpoint1' \]/)
  })
})

describe('examples/audit-why.ts', () => {
  it('tells who wanted an address, and why, back to the first cause', async () => {
    const { stderr, stdout } = await tsx('examples/audit-why.ts')
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^\d+ commits, unbroken, head [0-9a-f]{12}$/m)
    expect(stdout).toMatch(
      /^10\.77\.0\.7 is eth0 of sandbox shop, by endpoint shop-web of network web, because$/m,
    )
    const causes = [
      'ann: network.create (the shop opens)',
      'deploy-bot: sandbox.create (release 12)',
      'bob: disconnect (ticket 4711: the partner lets only .7 in)',
      'bob: connect (ticket 4711)',
      'EndpointJoined',
    ]
    const places = causes.map((cause) => stdout.indexOf(cause))
    expect(places).not.toContain(-1)
    expect(places).toEqual([...places].sort((a, b) => a - b))
    expect(stdout).toMatch(/^as of #\d+ it was 10\.77\.0\.2\/24$/m)
  })
})

/** The service in a process, on a host of its own, and what it printed so far. */
class Service {
  text = ''
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>

  constructor(host: RealHost) {
    const command = [process.execPath, '--import', 'tsx', 'examples/embed-service.ts', host.base]
    this.#child = spawn('nsenter', [`--net=${host.netns}`, ...command], { stdio: 'pipe' })
    this.#ended = once(this.#child, 'exit')
    const { stderr, stdout } = this.#child
    for (const out of [stderr, stdout])
      out?.setEncoding('utf8').on('data', (text: string) => (this.text += text))
    onTestFinished(() => void this.#child.kill('SIGKILL'))
  }

  give(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  /** Settles when it has printed that. */
  async says(what: RegExp): Promise<void> {
    await expect.poll(() => this.text, { interval: 10, timeout: 40_000 }).toMatch(what)
  }

  /** Its exit status after the signal. */
  async end(signal: NodeJS.Signals): Promise<unknown> {
    this.#child.kill(signal)
    const [status] = (await this.#ended) as [unknown]
    return status
  }

  /** The numbers of the commits that its consumer was given. */
  get handled(): readonly number[] {
    return [...this.text.matchAll(/^#(\d+) /gm)].map(([, seq]) => Number(seq))
  }
}

describe('examples/embed-service.ts', () => {
  it('keeps its book by the log, closes on SIGTERM, and goes on where it stopped', async () => {
    await using host = await RealHost.make()
    const book = (): Promise<string> => readFile(join(host.base, 'addresses'), 'utf8')
    const first = new Service(host)
    await first.says(/^ready, 0 in the book$/m)
    first.give('attach a')
    first.give('attach b')
    await first.says(/EndpointJoined, 2 in the book$/m)
    expect((await book()).split('\n').sort()).toEqual([
      '',
      expect.stringMatching(/^10\.78\.0\.\d\ta$/),
      expect.stringMatching(/^10\.78\.0\.\d\tb$/),
    ])
    first.give('attach a')
    await first.says(/^attach a: ERR_EXISTS: /m)
    expect(await first.end('SIGTERM')).toBe(0)
    expect(first.text).toMatch(/closed\n$/)
    expect(await host.do('ip -br link show type veth')).toContain('UP')

    // One that is killed has told nobody how far it came since its last commit: that one comes again, at most.
    const second = new Service(host)
    await second.says(/^ready, 2 in the book$/m)
    second.give('detach b')
    await second.says(/EndpointLeft, 1 in the book$/m)
    await second.end('SIGKILL')
    expect(second.handled.every((seq) => seq >= (first.handled.at(-1) ?? 0))).toBe(true)

    const third = new Service(host)
    await third.says(/^ready, 1 in the book$/m)
    third.give('detach a')
    await third.says(/EndpointLeft, 0 in the book$/m)
    expect(await third.end('SIGINT')).toBe(0)
    expect(third.handled.every((seq) => seq >= (second.handled.at(-1) ?? 0))).toBe(true)
    expect(await book()).toBe('')
  }, 90_000)
})

describe('the code in the README', () => {
  it('runs as it stands', async () => {
    const readme = await readFile('README.md', 'utf8')
    const code = /```ts\n([^]*?)```/.exec(readme)?.[1] ?? ''
    const scratch = await mkdtemp(join(tmpdir(), 'chronet-readme-'))
    // What the program leaves in the kernel is what its log says: it goes with the namespaces that tests run in.
    const runDir = `/run/chronet-readme-${process.pid}`
    // In the checkout, so that the package finds itself; with directories of its own.
    const file = join('examples', `.readme-${process.pid}.ts`)
    const own = code.replace("dataDir: '/var/lib/chronet'", `dataDir: '${scratch}/data', runDir: '${runDir}'`)
    try {
      expect(own).toContain(scratch)
      await writeFile(file, `${own}\nconsole.log(yesterday.networks().length, web.id.length)`)
      expect((await tsx(file)).stdout).toBe('0 64\n')
    } finally {
      await rm(file, { force: true })
      await rm(scratch, { force: true, recursive: true })
    }
  })
})
