/**
 * Writes the golden logs anew: `tsx scripts/golden-log.ts`. Until 0.1 is released, whoever changes a fact does so and looks at the difference; from
 * then on `test/golden/*.ndjson` never change, and `--digests` writes only what today's projections make of them. `cluster-claims-v1` was written
 * by an older version, and is never written again.
 */
import { writeFileSync } from 'node:fs'
import { clusterLog } from '../test/golden/cluster-story.ts'
import { digestsOf, digestsPathOf, GOLDEN, pathOf, readGolden } from '../test/golden/golden.ts'
import { goldenLog } from '../test/golden/story.ts'

if (!process.argv.includes('--digests')) {
  writeFileSync(pathOf('log-v1'), `${(await goldenLog()).join('\n')}\n`)
  writeFileSync(pathOf('cluster-v1'), `${(await clusterLog()).join('\n')}\n`)
}
for (const golden of GOLDEN)
  writeFileSync(
    digestsPathOf(golden),
    `${JSON.stringify(digestsOf(readGolden(golden).commits), undefined, 2)}\n`,
  )
