/**
 * `npm test`: installs what is needed, checks, and runs every test within namespaces of its own.
 *
 * Arguments go to vitest and leave the checks out: `npm test -- test/events -t chain`. The exit status is 0 only if all
 * of it is well. Where namespaces or the tools to look into them are missing, only the tests that need no kernel run, and
 * that is said; with CHRONET_REQUIRE_KERNEL=1 (as in `.ci/run`) it is a failure. So it is with the nats-servers that some tests
 * ask, and CHRONET_REQUIRE_NATS=1.
 */
import { check } from './lib/check.mjs'
import { ensureBuild, ensurePackages, ensureTools, requireNode } from './lib/install.mjs'
import { findNamespaces } from './lib/namespaces.mjs'
import { findNatsServers } from './lib/nats.mjs'
import { foreground, giveUp, inRoot, say } from './lib/run.mjs'

const args = process.argv.slice(2)

requireNode()
await ensurePackages()
const lack = await ensureTools()
const { refusal = lack, wrap } = await findNamespaces()
if (refusal !== undefined && process.env.CHRONET_REQUIRE_KERNEL === '1') giveUp(refusal, 77)
const nats = await findNatsServers()
if (nats.lack !== undefined && process.env.CHRONET_REQUIRE_NATS === '1') giveUp(nats.lack, 69)

await ensureBuild() // some tests run what is published
const failedChecks = args.length === 0 ? await check() : []
const status = await runTests()
if (refusal !== undefined) say(`${refusal}\nOnly the tests that need no kernel were run.`)
if (nats.lack !== undefined) say(nats.lack)
if (failedChecks.length > 0) say(`checks failed: ${failedChecks.join(', ')}`)
process.exit(status === 0 && failedChecks.length > 0 ? 1 : status)

function runTests() {
  const reporters = ['--reporter=default', `--reporter=${inRoot('scripts/lib/closing-line.mjs')}`]
  const vitest = [inRoot('node_modules/vitest/vitest.mjs'), 'run', ...reporters, ...args]
  const options = { env: { ...process.env, ...nats.env } }
  if (refusal === undefined) return foreground(...wrap([process.execPath, ...vitest]), options)
  return foreground(process.execPath, [...vitest, '--project=pure', '--project=nats'], options)
}
