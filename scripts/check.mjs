/** `npm run check`: everything that `npm test` asks before it runs the tests. */
import { check } from './lib/check.mjs'
import { ensurePackages, requireNode } from './lib/install.mjs'

requireNode()
await ensurePackages()
process.exit((await check()).length === 0 ? 0 : 1)
