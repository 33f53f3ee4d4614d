/** What `--dry-run` says: what would be written, and what would be done in the kernel. */
import type { FactOf } from '../../events/index.ts'
import { Names, namedBy } from '../operations/names.ts'
import type { Interruption, Picture, Preview } from '../operations/operations.ts'
import { step } from '../operations/steps.ts'
import { count, list } from '../operations/words.ts'
import { sentence } from './sentences.ts'
import { pairs } from './table.ts'

/** Lines for people. */
export function previewLines({ facts, interrupts }: Preview, picture: Picture): readonly string[] {
  const names = new Names()
  names.addPicture(picture)
  for (const fact of facts) {
    const named = namedBy(fact)
    if (named) names.set(...named)
  }
  const at = picture.at ?? ('1970-01-01T00:00:00.000Z' as NonNullable<Picture['at']>)
  const intended = facts.find((fact) => fact.type === 'EffectsIntended') as
    FactOf<'EffectsIntended'> | undefined
  const written = facts
    .filter((fact) => fact.type !== 'EffectsIntended')
    .map(
      (fact, i) =>
        [i === 0 ? 'would write' : '', `${fact.type.padEnd(26)}${sentence(fact, names, at)}`] as const,
    )
  const { steps = [], sweep = [] } = intended?.data ?? {}
  const done = steps.map((one, i) => [i === 0 ? 'would do' : '', step(one, names)] as const)
  const then = sweep.map((one, i) => [i === 0 ? 'then' : '', step(one, names)] as const)
  const nothing = steps.length === 0 ? ([['would do', 'nothing in the kernel']] as const) : []
  return pairs([
    ...written,
    ...done,
    ...nothing,
    ...then,
    ['interrupts', interruption(interrupts, picture, names)],
  ])
}

/** `2 established flows of a`; nothing, if nobody leaves a sandbox. */
function interruption(
  interrupts: Interruption | undefined,
  { endpoints }: Picture,
  names: Names,
): string | undefined {
  if (interrupts === undefined) return undefined
  const { endpoints: taken, flows } = interrupts
  const left = endpoints.filter(({ id }) => taken.includes(id))
  const whose = list([...new Set(left.map(({ sandbox = '' }) => names.of(sandbox)))])
  if (flows === 'unknown') return `unknown: the kernel does not tell of the established flows of ${whose}`
  return `${flows === 0 ? 'no established flow' : count(flows, 'established flow')} of ${whose}`
}
