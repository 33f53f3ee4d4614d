/**
 * Writes the golden log anew: `tsx scripts/golden-log.ts`. Until 0.1 is released, whoever changes a fact does so and looks at the difference; from
 * then on `test/golden/log-v1.ndjson` never changes, and `--digests` writes only what today's projections make of it.
 */
import { writeFileSync } from 'node:fs'
import { DIGESTS, digestsOf, GOLDEN, readGolden } from '../test/golden/golden.ts'
import { goldenLog } from '../test/golden/story.ts'

if (!process.argv.includes('--digests')) writeFileSync(GOLDEN, `${(await goldenLog()).join('\n')}\n`)
writeFileSync(DIGESTS, `${JSON.stringify(digestsOf(readGolden().commits), undefined, 2)}\n`)
