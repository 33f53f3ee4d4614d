/** `npm run transcript`: plays the demo and writes what it printed into the README, between its two marks. */
import { readFileSync, writeFileSync } from 'node:fs'
import { ensureBuild, ensurePackages, requireNode } from './lib/install.mjs'
import { findNamespaces } from './lib/namespaces.mjs'
import { giveUp, inRoot, quiet } from './lib/run.mjs'

const README = inRoot('README.md')
const BLOCK = /(<!-- transcript: begin -->\n)[^]*(<!-- transcript: end -->)/

requireNode()
await ensurePackages()
const { refusal, wrap } = await findNamespaces()
if (refusal !== undefined) giveUp(refusal, 77)
await ensureBuild()
const { output, status } = await quiet(...wrap([process.execPath, inRoot('dist/src/demo/main.js')]))
if (status !== 0) giveUp(`${output}\nThe demo failed; the README stays as it is.`)
writeFileSync(
  README,
  readFileSync(README, 'utf8').replace(
    BLOCK,
    (_, begin, end) => `${begin}\n\`\`\`\n${output}\`\`\`\n\n${end}`,
  ),
)
