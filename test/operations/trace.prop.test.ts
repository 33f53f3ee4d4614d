/** Why: what is found by looking through the log as text is what reading all of it comes to. */
import { describe, expect, it } from 'vitest'
import type { AnyFact, Commit, Log, Ref, Seq } from '../../events/index.ts'
import { ipOf } from '../../events/index.ts'
import { keys } from '../../events/store.ts'
import { Names } from '../../src/operations/names.ts'
import { traceOf } from '../../src/operations/trace.ts'
import { madeLog, origin } from '../../bench/made-log.ts'
import { openOn, sha256, tempStore } from '../events/support.ts'
import { readGolden } from '../golden/golden.ts'
import { traceByReadingAll } from './trace-oracle.ts'

type Bodies = readonly string[]

async function logOf(rows: Bodies, of: string): Promise<Log<AnyFact>> {
  const store = await tempStore()
  let batch = store.batch()
  rows.forEach((row, i) => (batch = batch.put(keys.commit(i + 1), row)))
  await batch.write()
  return (await openOn(store, { origin: of as never })) as unknown as Log<AnyFact>
}

/** All that anything was ever called: ids and their beginnings, names, addresses, MACs, links. */
function refsIn(commits: readonly Commit<AnyFact>[]): ReadonlySet<Ref> {
  const refs = new Set<Ref>(['nobody', 'beef', '10.255.0.1'])
  for (const { facts } of commits)
    for (const fact of facts) {
      const [kind = '', id = ''] = fact.stream.split('/')
      if (id === '') continue
      for (const ref of [id, id.slice(0, 4), id.slice(0, 12), `${kind}/${id}`]) refs.add(ref)
      if (fact.type === 'EndpointReserved')
        for (const ref of [fact.data.mac, ...fact.data.addresses, ...fact.data.addresses.map(ipOf)])
          refs.add(ref)
      if (fact.type === 'EndpointJoinRequested') refs.add(fact.data.link.name)
      if (fact.type === 'NetworkCreateRequested')
        for (const { gateway, subnet } of fact.data.subnets)
          for (const ref of [gateway, subnet, ipOf(subnet)]) refs.add(ref)
      if (fact.type === 'NetworkCreateRequested') refs.add(fact.data.bridge.name)
      if ('name' in fact.data) for (const ref of [fact.data.name, `${kind}/${fact.data.name}`]) refs.add(ref)
    }
  return refs
}

const outcome = <T>(promise: Promise<T>): Promise<T | string> =>
  promise.catch((error: unknown) => (error as { readonly code: string }).code)

async function compare(log: Log<AnyFact>, refs: Iterable<Ref>): Promise<void> {
  for (const ref of refs) {
    const [found, expected] = [
      await outcome(traceOf(log, ref, () => undefined)),
      await outcome(traceByReadingAll(log, ref)),
    ]
    if (typeof expected === 'string' || typeof found === 'string') {
      expect([ref, found]).toEqual([ref, expected])
      continue
    }
    expect([ref, found.subject]).toEqual([ref, expected.subject])
    expect([ref, found.others]).toEqual([ref, expected.others])
    expect([ref, found.commits.map(({ seq }) => seq)]).toEqual([ref, expected.commits.map(({ seq }) => seq)])
    const [names, all] = [new Names(found.names), new Names(expected.names)]
    for (const id of idsIn(found.commits)) expect([ref, id, names.of(id)]).toEqual([ref, id, all.of(id)])
  }
}

const idsIn = (commits: readonly Commit<AnyFact>[]): ReadonlySet<string> =>
  new Set(JSON.stringify(commits.map(({ facts }) => facts)).match(/[0-9a-f]{64}/g))

describe('why, asked of all that ever was', () => {
  const golden = (): Promise<Log<AnyFact>> => {
    const { commits, lines } = readGolden()
    return logOf(
      lines.map((line) => sha256(line) + line),
      commits[0]?.origin ?? '',
    )
  }

  it('tells of the golden log what reading all of it tells', async () => {
    const refs = [...refsIn(readGolden().commits)].filter((_, i) => i % 3 !== 1)
    await compare(await golden(), refs)
  })

  it('tells of endpoints that come and go, under names that come again, what reading all of it tells', async () => {
    const rows = [...madeLog(400, 6)].map(({ row }) => row)
    const log = await logOf(rows, origin)
    const all: Commit<AnyFact>[] = []
    for await (const commit of log.read()) all.push(commit)
    const refs = [...refsIn(all)].filter((_, i) => i % 3 === 0)
    await compare(log, refs)
  })

  it('is told of what is there by those who know it, and looks through the log for what is gone', async () => {
    const log = await golden()
    const ranges: (Seq | undefined)[] = []
    const watched: Pick<Log<AnyFact>, 'find' | 'read' | 'versionOf'> = {
      find: (fits, range) => (ranges.push(range?.to), log.find(fits, range)),
      read: (range) => log.read(range),
      versionOf: (stream) => log.versionOf(stream),
    }
    const born = readGolden().commits.flatMap(({ facts }) =>
      facts.filter(({ type }) => type === 'EndpointReserved'),
    )
    const ref = born[0]?.stream ?? ''
    const whole = await traceByReadingAll(log, ref)
    await traceOf(watched, ref, (id) => whole.names[id] ?? 'known')
    expect(ranges).toEqual([undefined])
    const { commits: found } = await traceOf(watched, ref, () => undefined)
    expect(ranges.slice(1)).toEqual([undefined, found.at(-1)?.seq])
  })
})
