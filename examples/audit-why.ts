/**
 * An old question of networks: why has this container that address, since when, and who wanted it? Elsewhere the answer is
 * lost with the shell that typed the command; here it is in the log, and the log proves that nobody has changed it.
 *
 *   npx tsx examples/audit-why.ts          (as root, or: unshare -Urnm npx tsx examples/audit-why.ts)
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createController, type Controller, type DispatchOptions, type Stream } from 'chronet'

const scratch = await mkdtemp(join(tmpdir(), 'chronet-audit-'))
const controller = await createController({
  dataDir: join(scratch, 'data'),
  runDir: join(scratch, 'run'),
})

// Some history, by several hands. What a client says of itself is kept as claimed, beside what the kernel verified of it.
const by = (name: string, reason: string): DispatchOptions => ({
  actor: { claimed: { name }, kind: 'library' },
  reason,
})
await controller.newNetwork(
  'bridge',
  'web',
  { ipam: { subnet: '10.77.0.0/24' } },
  by('ann', 'the shop opens'),
)
const shop = await controller.newSandbox('shop', {}, by('deploy-bot', 'release 12'))
const first = await controller.connect('web', shop, {}, by('deploy-bot', 'release 12'))
await controller.disconnect('web', shop, by('bob', 'ticket 4711: the partner lets only .7 in'))
await controller.connect('web', shop, { address: '10.77.0.7' }, by('bob', 'ticket 4711'))

// An audit begins with the proof: every commit names its predecessor by hash. Keep the head elsewhere, and compare.
const { commits, damage, head } = await controller.verify()
if (damage) throw new Error(damage.message)
console.log(`${commits} commits, unbroken, head ${head.slice(0, 12)}`)

await why(controller, '10.77.0.7')

// The address before is still known to every moment at which it was.
const joined = await lastOf(controller, `endpoint/${first.id}`, 'EndpointJoined')
const then = (await controller.asOf(joined)).endpoint(first.id)
console.log(`as of #${joined} it was ${then.addresses.join(', ')}`)

await shop.delete()
await controller.network('web').delete()
await controller.close()
await rm(scratch, { force: true, recursive: true })

/** Tells what the address is now, and every commit that led to it: its number, who asked, for what, and what followed. */
async function why(from: Controller, address: string): Promise<void> {
  const holder = from.queries
    .endpoints()
    .find((one) => one.addresses.some((cidr) => cidr.split('/')[0] === address))
  if (!holder) throw new Error(`${address}: nobody has it now`)
  const network = from.queries.network(holder.network)
  const sandbox = from.queries.sandbox(holder.sandbox ?? '')
  console.log(
    `${address} is ${holder.ifName} of sandbox ${sandbox.name}, by endpoint ${holder.name} of network ${network.name}, because`,
  )

  // What an endpoint is stands on its network and its sandbox: their facts are its causes, too.
  const causes = new Set<Stream>([`network/${network.id}`, `sandbox/${sandbox.id}`, `endpoint/${holder.id}`])
  for await (const { actor, at, command, facts, reason, seq } of from.commits()) {
    const told = facts.filter((fact) => causes.has(fact.stream))
    if (told.length === 0) continue
    // A receipt names the plan that it is for, and a plan the commit that intended it.
    const plan = facts.find((fact) => fact.type === 'EffectsSettled')?.data.plan
    const who =
      plan === undefined
        ? (actor.claimed?.name ?? actor.kind)
        : `the kernel did what #${plan.split('.')[1]} asked for`
    const what = plan === undefined ? `: ${command.type}${reason === undefined ? '' : ` (${reason})`}` : ''
    console.log(`  #${seq} ${at} ${who}${what}`)
    for (const fact of told) console.log(`       ${fact.type}`)
  }
}

/** The number of the last commit with a fact of that type on a stream. */
async function lastOf(from: Controller, stream: Stream, type: string): Promise<number> {
  let last = 0
  for await (const { facts, seq } of from.commits())
    if (facts.some((fact) => fact.stream === stream && fact.type === type)) last = seq
  return last
}
