/** Clusters whose hosts fail, come back, part and meet again, and whose news comes late, twice or out of turn. */
import type { AnyFact, Commit } from '../../../events/index.ts'
import type { Controller } from '../../controller/controller.ts'
import { LOG_STREAM } from '../../cluster/message.ts'
import { asks, done, running } from '../insist.ts'
import type { Host } from '../host.ts'
import type { World } from '../world.ts'
import { must, type Scenario } from './scenario.ts'

const { connect, network, sandbox } = asks
/** In which hosts that were apart must have heard of each other, in milliseconds: the longest pause of a session, and time to read. */
const BOUND_MS = 20_000

const story = (name: string, from: string, run: Scenario['run']): Scenario => ({ from, hosts: 3, name, run })

/** What the first host's engine answers; if it dies meanwhile, the next one. */
async function hear<T>(world: World, ask: (controller: Controller) => Promise<T>): Promise<T> {
  for (;;) {
    const answer = ask(await running(world))
    const { life } = world.host(0)
    const settled = new Set<unknown>()
    const mark = (): void => void settled.add(answer)
    answer.then(mark, mark)
    await world.until(() => settled.size > 0 || life.isDead)
    if (settled.size > 0) return answer
  }
}

/** Some time in which no engine dies. */
async function calm(world: World): Promise<void> {
  let life: unknown
  do {
    await running(world)
    ;({ life } = world.host(0))
    await world.advance(BOUND_MS)
  } while (life !== world.host(0).life)
}

/** Everybody has what there is of everybody else, byte for byte. */
async function mustAgree(world: World): Promise<void> {
  await calm(world)
  const rowsOf = (host: Host, before: string): string =>
    host.disk.platter
      .range({ gte: `${before}c`, lt: `${before}d` })
      .map(([, row]) => row)
      .join('\n')
  for (const of of world.hosts)
    for (const at of world.hosts)
      if (at !== of)
        must(rowsOf(of, '') === rowsOf(at, `!log-${of.origin ?? ''}!`), `${at.name} has all of ${of.name}`)
}

/** It dies, and nobody starts it again. */
function fail(host: Host): void {
  host.onDeath = undefined
  host.crash()
}

const codeOf = (asked: Promise<unknown>): Promise<string | undefined> =>
  asked.then(
    () => undefined,
    (error: unknown) => (error as { readonly code?: string }).code,
  )

/** Names of the networks that were made in a log. */
async function networksIn(commits: AsyncIterable<Commit<AnyFact>>): Promise<readonly string[]> {
  const names: string[] = []
  for await (const { facts } of commits)
    for (const fact of facts) if (fact.type === 'NetworkCreateRequested') names.push(fact.data.name)
  return names
}

const make = (world: World, host: Host, name: string): Promise<unknown> =>
  world.until(host.controller.newNetwork('bridge', name))

export const clusterScenarios: readonly Scenario[] = [
  story(
    'halves',
    'Two halves of a cluster that were written to while they were apart never agreed again (moby#42459).',
    async (world) => {
      const [second, third] = [world.host(1), world.host(2)]
      world.partition(0)
      await done(world, network('web'), sandbox('a'))
      await done(world, connect('web', 'a'))
      await make(world, second, 'other')
      await make(world, third, 'third')
      world.heal()
      await mustAgree(world)
      world.partition(1, 2)
      await make(world, second, 'later')
      await done(world, sandbox('b'))
      world.heal()
      await mustAgree(world)
    },
  ),
  story(
    'host-returns',
    'A node that failed and came back was taken for another, and what it had missed stayed missing (moby#53141, moby#53688).',
    async (world) => {
      const away = world.host(1)
      await make(world, away, 'before')
      fail(away)
      await done(world, network('web'), sandbox('a'))
      await done(world, connect('web', 'a'))
      await world.advance(200_000)
      await world.until(away.boot())
      await make(world, away, 'after')
      await mustAgree(world)
      const { peers } = await hear(world, (controller) => controller.clusterStatus())
      must(peers.length === 2, 'it is one peer, before and after')
      must(
        peers.every(({ broken, left }) => broken === undefined && left !== true),
        'no peer is given up',
      )
    },
  ),
  story(
    'place-taken',
    'Another node took the address of one that had failed, and names led to the wrong one (moby#53715).',
    async (world) => {
      const [gone, heir] = [world.host(1), world.host(2)]
      await make(world, gone, 'of-the-first')
      await world.advance(1000)
      fail(gone)
      const refusal = await world.until(codeOf(world.join(heir, gone.name)))
      must(refusal === 'ERR_EXISTS', 'a name that somebody has is given to nobody else')
      await make(world, heir, 'of-the-second')
      await calm(world)
      const networks = await hear(world, (controller) => networksIn(controller.peerCommits(gone.name)))
      must(networks.join() === 'of-the-first', 'the name leads to the one that had it')
      await world.until(gone.boot())
      await make(world, gone, 'again')
      await mustAgree(world)
    },
  ),
  story(
    'late-and-twice',
    'Messages that came late, twice or in another order brought back what was long gone (networkdb).',
    async (world) => {
      const { servers } = world
      for (const [nth, lateMs] of [20, 5100, 150_000].entries()) {
        servers.lateMs = lateMs
        servers.faults.push('late', 'unanswered')
        await done(world, network(`n${nth}`))
        await done(world, asks.deleteNetwork(`n${nth}`))
        for (const { name } of world.hosts) servers.repeat(name, 50)
        await world.advance(lateMs)
      }
      await mustAgree(world)
      const ids = servers.messages(LOG_STREAM.name).map(({ id }) => id)
      must(new Set(ids).size === ids.length, 'each message is there once')
    },
  ),
]
