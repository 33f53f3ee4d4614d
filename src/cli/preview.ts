/** What `--dry-run` says: what would be written, and what would be done in the kernel. */
import type { FactOf } from '../../events/index.ts'
import { Names, namedBy } from '../operations/names.ts'
import type { Picture, Preview } from '../operations/operations.ts'
import { step } from '../operations/steps.ts'
import { sentence } from './sentences.ts'
import { pairs } from './table.ts'

/** Lines for people. */
export function previewLines({ facts }: Preview, picture: Picture): readonly string[] {
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
  return pairs([...written, ...done, ...nothing, ...then])
}
