/** Logs of many hosts in one order: each whole and in its own order, by time, and nothing before what its host knew. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AnyFact, Commit, Knows } from '../../events/index.ts'
import { inOneOrder, type Line } from '../../src/cluster/one-order.ts'

const HOSTS = ['aa', 'bb', 'cc'] as const
type Step = { readonly after: number; readonly host: number; readonly learns: boolean }

const steps = fc.array(
  fc.record({ after: fc.nat(3), host: fc.nat(HOSTS.length - 1), learns: fc.boolean() }),
  { maxLength: 40 },
)
/** How wrong each host's clock is. */
const clocks = fc.tuple(fc.nat(5), fc.nat(5), fc.nat(5))

/** What hosts wrote, in the order in which it truly happened. */
function play(all: readonly Step[], skews: readonly number[]): readonly Commit<AnyFact>[] {
  const seqs = HOSTS.map(() => 0)
  let now = 0
  return all.map(({ after, host, learns }) => {
    now += after
    seqs[host] = (seqs[host] ?? 0) + 1
    const others = HOSTS.map((name, i) => [name, seqs[i] ?? 0] as const)
    const known = others.filter(([, seq], i) => i !== host && seq > 0)
    const at = String(now + (skews[host] ?? 0)).padStart(6, '0')
    return {
      at,
      ...(learns && known.length > 0 ? { knows: Object.fromEntries(known) as Knows } : {}),
      origin: HOSTS[host],
      seq: seqs[host],
    } as unknown as Commit<AnyFact>
  })
}

async function* of(commits: readonly Commit<AnyFact>[]): AsyncGenerator<Commit<AnyFact>> {
  yield* commits
}

const linesOf = (all: readonly Commit<AnyFact>[], lacking = 0): readonly Line[] =>
  HOSTS.map((origin) => {
    const own = all.filter((commit) => commit.origin === (origin as string))
    const here = own.slice(0, Math.max(0, own.length - lacking))
    return { commits: of(here), origin: origin as never, seq: here.length as never }
  })

async function gather(lines: readonly Line[]): Promise<readonly Commit<AnyFact>[]> {
  const all: Commit<AnyFact>[] = []
  for await (const commit of inOneOrder(lines)) all.push(commit)
  return all
}

describe('all hosts in one order', () => {
  it('keeps each log whole and in its order, and what was known before who knew it', async () => {
    await fc.assert(
      fc.asyncProperty(steps, clocks, fc.nat(3), async (all, skews, lacking) => {
        const lines = linesOf(play(all, skews), lacking)
        const here = new Map(lines.map(({ origin, seq }) => [origin as string, seq as number]))
        const seen = new Map<string, number>()
        for (const { knows = {}, origin, seq } of await gather(lines)) {
          expect(seq).toBe((seen.get(origin) ?? 0) + 1)
          seen.set(origin, seq)
          for (const [other, known] of Object.entries(knows))
            expect(seen.get(other) ?? 0).toBeGreaterThanOrEqual(Math.min(known, here.get(other) ?? 0))
        }
        expect([...seen.values()].reduce((sum, n) => sum + n, 0)).toBe(
          [...here.values()].reduce((sum, n) => sum + n, 0),
        )
      }),
    )
  })

  it('is by time, then by host, where nobody knew of anybody', async () => {
    await fc.assert(
      fc.asyncProperty(steps, clocks, async (all, skews) => {
        const alone = all.map((step) => ({ ...step, learns: false }))
        const keys = (await gather(linesOf(play(alone, skews)))).map(
          ({ at, origin, seq }) => `${at} ${origin} ${String(seq).padStart(3, '0')}`,
        )
        expect(keys).toEqual([...keys].sort())
      }),
    )
  })

  it('ends where it is left', async () => {
    let isEnded = false
    async function* line(): AsyncGenerator<Commit<AnyFact>> {
      try {
        yield* play(
          [
            { after: 1, host: 0, learns: false },
            { after: 1, host: 0, learns: false },
          ],
          [0, 0, 0],
        )
      } finally {
        isEnded = true
      }
    }
    for await (const _commit of inOneOrder([{ commits: line(), origin: 'aa' as never, seq: 2 as never }]))
      break
    expect(isEnded).toBe(true)
  })
})
