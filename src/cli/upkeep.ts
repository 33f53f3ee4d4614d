/** `plan`, `heal` and `verify`: whether the kernel is as the log wants it, making it so, and whether the log is whole. */
import { EngineError } from '../../events/index.ts'
import { Names } from '../operations/names.ts'
import type { Healed, Operations } from '../operations/operations.ts'
import { step } from '../operations/steps.ts'
import { count } from '../operations/words.ts'
import type { Leaf } from './leaf.ts'
import { EXIT, UsageError } from './problems.ts'
import { sentence } from './sentences.ts'
import type { Session } from './session.ts'
import { pairs } from './table.ts'

export const plan: Leaf = {
  examples: ['chronet plan', 'chronet plan --json || echo "differs"'],
  name: 'plan',
  run: async (session) => {
    const { differences, names } = await session.with(
      'read',
      async (operations) => ({ differences: await operations.plan(), names: await namesOf(operations) }),
      { wantsLog: true },
    )
    const { open, orphans, steps } = differences
    const isNothing = open.length + orphans.length + steps.length === 0
    if (session.json) session.show(differences)
    else if (isNothing) session.print('the kernel is as the log wants it')
    else
      session.print(
        ...pairs([
          ...steps.map((one, i) => [i === 0 ? 'heal would' : '', step(one, names)] as const),
          ...orphans.map(
            (label, i) => [i === 0 ? 'removes' : '', `${label}: ours, and no fact speaks of it`] as const,
          ),
          ...open.map(
            (one, i) =>
              [i === 0 ? 'settles' : '', `plan ${one.plan} (${one.purpose}): it has no receipt`] as const,
          ),
        ]),
      )
    return isNothing ? 0 : EXIT.differs
  },
  summary: 'how the kernel differs from what the log wants',
  text: 'It looks, and changes nothing. What it shows is what heal would do. Exit status 2 if it differs.',
}

async function namesOf(operations: Operations): Promise<Names> {
  const names = new Names()
  names.addPicture(await operations.picture())
  return names
}

export const heal: Leaf = {
  changes: true,
  examples: ['chronet heal --dry-run', 'chronet heal --reason "after the firewall upgrade"'],
  isNoCommand: true,
  name: 'heal',
  run: async (session, args, values) => {
    if (session.settings.dryRun) return plan.run(session, args, values)
    const { healed, names } = await session.with('heal', async (operations) => ({
      healed: await operations.heal(session.given),
      names: await namesOf(operations),
    }))
    if (session.json) session.show(healed)
    else tellHealed(session, healed, names)
    return healed.commits.some(leavesSomething) ? EXIT.failed : 0
  },
  summary: 'put back what others changed in the kernel',
  text: 'What bears our mark and no fact speaks of is removed. An engine that runs does so by itself. A dry run is the same as chronet plan. Exit status 1 if something could not be put back; a sandbox whose namespace its owner ended is vanished then, which is told and no failure.',
}

/**
 * Whether something is not as the log wants it after this. Where somebody ended the namespace of his that a sandbox had, there is
 * nothing to put back: the sandbox is vanished, and the log wants no more of it.
 */
function leavesSomething({ facts }: Healed['commits'][number]): boolean {
  const vanished = facts.flatMap((f) => (f.type === 'SandboxVanished' ? [`netns/${f.data.sandbox}`] : []))
  // What only needed something that failed goes the way of that.
  return facts.some(
    (fact) =>
      fact.type === 'EffectsSettled' &&
      fact.data.failures.some((failure) => failure.class !== 'need' && !vanished.includes(failure.key)),
  )
}

function tellHealed(session: Session, { commits, orphans }: Healed, names: Names): void {
  if (commits.length + orphans.length === 0)
    return session.print('nothing to heal: the kernel is as the log wants it')
  for (const commit of commits) {
    names.add(commit)
    for (const fact of commit.facts)
      if (fact.type !== 'EffectsIntended')
        session.print(`#${commit.seq}  ${sentence(fact, names, commit.at)}`)
  }
}

/** The chain, and whether a head that was noted once is in it. */
export const verify: Leaf = {
  examples: ['chronet verify', 'chronet verify --head 9f2c71…', 'chronet verify --json | jq -r .head'],
  name: 'verify',
  options: [
    {
      flags: '--head <hash>',
      what: 'SHA-256 of a commit that must be in the log: a head that was noted before',
    },
  ],
  run: async (session, _args, values) => {
    const head = values.text('head')
    if (head !== undefined && !/^[0-9a-f]{64}$/.test(head))
      throw new UsageError(`--head must be 64 lowercase hex digits, not '${head}'`)
    // Damage is what it looks for: it is told once, as that.
    const { at, blocked, verified } = await session.with(
      'read',
      async (operations) => ({
        verified: await operations.verify(),
        at: head === undefined ? undefined : await commitOf(operations, head),
        blocked: (await operations.status()).blocked,
      }),
      { tells: false, wantsLog: true },
    )
    const { commits, damage } = verified
    if (session.json) session.show({ ...verified, ...(at === undefined ? {} : { holds: at }) })
    else if (damage === undefined)
      session.print(`chain of ${count(commits, 'commit')} ok, head ${verified.head}`)
    if (damage) throw new EngineError(damage.code, damage.message)
    session.warn(blocked)
    if (head !== undefined && at === undefined)
      throw new EngineError(
        'ERR_LOG_BEHIND',
        `no commit of this log has the hash ${head}; it is older than when that was noted, or another log`,
      )
    if (at !== undefined && at < commits && !session.json)
      session.print(`the head that was given is #${at}; ${count(commits - at, 'commit')} came after it`)
    return undefined
  },
  summary: 'read the whole log and check its chain',
}

/** The number of the commit with that hash: its successor names it. */
async function commitOf(operations: Operations, hash: string): Promise<number | undefined> {
  const { head } = await operations.status()
  if (head.hash === hash) return head.seq
  for await (const { prev, seq } of operations.commits()) if (prev === hash) return seq - 1
  return undefined
}
