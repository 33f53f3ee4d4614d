/**
 * A service with networks inside: it owns a controller, attaches and detaches containers as its standard input says, and
 * keeps an address book of them in a file. The book follows the log, not the commands: as a durable consumer it goes on
 * where it stopped, so that nothing is missed whatever happened to the service meanwhile.
 *
 *   echo 'attach shop' | npx tsx examples/embed-service.ts /tmp/service      (as root, or in: unshare -Urnm)
 *
 * With NATS_SERVERS=nats://127.0.0.1:4222 its history is one with that of other hosts (docs/cluster.md).
 *
 * SIGTERM and SIGINT close it: what is under way is finished, and what is in the kernel stays as the log says.
 */
import { mkdtemp, rename, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createController, EngineError } from 'chronet'

const home = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'chronet-service-')))
const book = join(home, 'addresses')
const { NATS_SERVERS: servers = '' } = process.env

// The library prints nothing, and installs no signal handlers: both are the service's to do.
const controller = await createController({
  // With servers, other hosts see what happens here, and this one's log can be had back from there.
  ...(servers === '' ? {} : { cluster: { host: hostname(), servers: servers.split(',') } }),
  dataDir: join(home, 'data'),
  onProblem: (problem) => console.error(problem),
  runDir: join(home, 'run'),
})
// Of a damaged log, or one of another host, everything may be read and nothing changed.
if (controller.blocked) throw controller.blocked

// A second start finds what the first one made.
if (!controller.queries.networks().some(({ name }) => name === 'base'))
  await controller.newNetwork('bridge', 'base', { ipam: { subnet: '10.78.0.0/24' } })

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => void obey(line))

// Before anything follows: two hands would write one book.
console.log(`ready, ${await writeBook()} in the book`)
const following = follow()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close())

/** What a line asks for, done or told why not. A command that was refused changed nothing. */
async function obey(line: string): Promise<void> {
  const [what, name = ''] = line.trim().split(' ')
  try {
    if (what === 'attach') await controller.connect('base', await controller.newSandbox(name))
    else if (what === 'detach') await controller.sandbox(name).delete()
    else console.log(`'${line}'? attach NAME, or detach NAME`)
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    console.log(`${line}: ${error.code}: ${error.message}`)
  }
}

/** Every coming and going, once at least: the last ones before a crash may come again, so what is done must bear that. */
async function follow(): Promise<void> {
  try {
    const facts = controller.facts({
      consumer: 'address-book',
      from: 1,
      types: ['EndpointJoined', 'EndpointLeft'],
    })
    for await (const { seq, type } of facts) console.log(`#${seq} ${type}, ${await writeBook()} in the book`)
  } catch (error) {
    if (!(error instanceof EngineError && error.code === 'ERR_SUBSCRIBER_SLOW')) throw error
    // It was too slow, and was dropped rather than kept in memory: the log has the rest.
    await follow()
  }
}

/** The book as it is now, whole and in one step. Twice is as good as once. Says how many are in it. */
async function writeBook(): Promise<number> {
  const joined = controller.queries.endpoints('base').filter(({ state }) => state === 'joined')
  const text = joined.map(({ addresses, sandbox = '' }) => {
    const [cidr = ''] = addresses
    return `${cidr.split('/')[0]}\t${controller.queries.sandbox(sandbox).name}\n`
  })
  await writeFile(`${book}.new`, text.join(''))
  await rename(`${book}.new`, book)
  return joined.length
}

async function close(): Promise<void> {
  lines.close()
  await controller.close()
  await following
  console.log('closed')
}
