/**
 * Every invariant that is checked, with what it means and where: for people who read a failure, and docs/simulation.md. A test holds
 * it equal to the ids that stand in the checks.
 */

/** When an invariant is looked at. */
export type Place =
  'always' | 'at rest' | 'at the end' | 'each answer' | 'each claim' | 'each commit' | 'each step'

export type Invariant = {
  /** A sentence: what holds. */
  readonly means: string
  readonly where: readonly Place[]
}

const one = (where: Place | readonly Place[], means: string): Invariant => ({
  means,
  where: typeof where === 'string' ? [where] : where,
})

/** By id: L of the log, P of projections and replay, A of allocations, C of clusters, K of the kernel, V of liveness, D of defects. */
export const INVARIANTS: Readonly<Record<string, Invariant>> = {
  A1: one('each commit', 'No address is held by two endpoints of one network, on whichever hosts.'),
  A2: one(
    'each commit',
    'An address lies in a pool of its network, and is neither the gateway nor set aside.',
  ),
  A3: one(
    ['each commit', 'each claim'],
    'Pools of two networks do not overlap, and blocks of two hosts do not.',
  ),
  A4: one('each commit', 'A number (VNI) is of one network, and a network has one, the same on every host.'),
  A7: one('each commit', 'No MAC address is held twice in one network.'),
  A8: one(
    'each commit',
    'A host gives addresses of a network of its cluster out of the blocks alone that its own log says it has, and makes none that it was not granted.',
  ),
  A9: one('each claim', 'Nobody takes or gives up what another host has.'),
  A10: one('at rest', 'Who holds an address exists, and an endpoint holds its addresses.'),
  A11: one(
    ['each commit', 'each claim'],
    'No address is given again before the link that it lay on is gone, and no block or name before it has rested.',
  ),
  A12: one(
    'each commit',
    'Nothing is granted that the servers did not grant: not to a host that is cut off either.',
  ),
  A13: one(
    'each answer',
    'Who hears that no address is left hears the truth: what was given back can be had again.',
  ),
  C1: one('at rest', 'Every host of a cluster has the whole log of every other: the digests are equal.'),
  C2: one(
    'each commit',
    "What a host keeps of another's log is the beginning of it, byte for byte, each commit once.",
  ),
  C3: one('always', 'The servers are told one history of each host: who is fenced publishes no more.'),
  C4: one('at rest', 'Nothing that is on disk is still to be published.'),
  C5: one('each claim', 'A host claims nothing and gives up nothing before it has read what there is.'),
  C6: one('at rest', 'The stream has the log of each host whole and once, also what the servers lost.'),
  C7: one(
    ['at rest', 'at the end'],
    'Of what two hosts were granted one has it and the other knows, and the servers say the same.',
  ),
  C8: one(
    'each claim',
    'What a host has that was put out stays as it is, until somebody has looked, and it has not said that it is there.',
  ),
  D1: one('always', 'Nothing throws that has no code, and no chart meets a fact that it does not take.'),
  D2: one('always', 'No engine calls a clock, chance or a timer of the process: it asks its ports.'),
  K1: one(
    'at rest',
    'The kernel is what the log wants: links, addresses, routes, rules, sysctls, namespaces.',
  ),
  K2: one(
    'at rest',
    'Nothing that bears our mark, or that an engine has made, is there without a fact that wants it.',
  ),
  K3: one(['each step', 'each commit'], 'What is not ours is neither changed nor removed.'),
  K4: one(
    ['at rest', 'at the end'],
    'Whatever is done again changes nothing: what is there is made, and what is gone is removed.',
  ),
  K5: one(['each commit', 'at rest'], 'Every intent has one receipt: not two, and at rest not none.'),
  K6: one('each commit', 'A receipt says of no step that it was done before it was.'),
  K9: one('at rest', 'Who shares a network with another reaches it, and who does not, does not.'),
  K10: one('at rest', 'At rest nothing is written and no step is taken, audits included.'),
  K11: one('each commit', 'Healing rests where somebody takes it back again and again.'),
  K14: one(
    'each step',
    'An engine that may change nothing takes no step: the log is damaged, or older than this boot has seen.',
  ),
  K15: one('each step', 'Nothing that is wanted is taken away before the intent to do so is on disk.'),
  L1: one('each commit', 'Commits are numbered without gaps, and so are the facts of each stream.'),
  L2: one(
    ['each commit', 'at the end'],
    'Every commit names the hash of the one before it, and the whole verifies.',
  ),
  L3: one('each answer', 'What was answered is on disk, and stays there.'),
  L4: one('at the end', 'A commit is on disk with the row that finds it by its command, or not at all.'),
  L5: one('each answer', 'The same command id has the same outcome, however often it is asked.'),
  L6: one('each commit', 'What a client expected of a stream was so when his command was decided.'),
  L7: one('each commit', 'What comes of another host is of no epoch that is over.'),
  L8: one('each commit', 'One engine at a time writes: epochs never go back.'),
  L9: one('always', 'A reader of facts hears each once, in order, and only of what is on disk.'),
  L10: one('at the end', 'An exported commit is the same, byte for byte, when it is imported.'),
  L11: one('each commit', 'What has ended has no more facts.'),
  L12: one(
    ['each answer', 'each commit'],
    'Of a command whose client heard that nothing was written, nothing is in the log.',
  ),
  L13: one('at rest', 'Who hears that a later command overtook his was overtaken.'),
  P1: one('at the end', "The engine's view is what its log folds to."),
  P2: one('at rest', 'What is decided, what is visible and what is on disk are the same commit.'),
  P3: one('at the end', 'A snapshot and the rest of the log fold to the same as the whole.'),
  P4: one('at the end', 'What an engine showed at any moment is what the log folds to up to there.'),
  P5: one('at the end', 'Folding fact by fact comes to the same as folding commits.'),
  P6: one('at the end', 'Every command of the log, decided again, gives the facts that were recorded.'),
  P7: one('at the end', 'A commit of today is read as it was written: no upcaster touches it.'),
  P8: one('at rest', 'Machines and projections, each folded by itself, say the same of every entity.'),
  V1: one('at rest', 'Once all is healed, every command is answered and all comes to rest in two minutes.'),
  V2: one(
    ['each commit', 'at rest'],
    'What waits in an engine is within its limits, and at rest nothing waits.',
  ),
  V3: one('at the end', 'A closed engine has no timer pending.'),
  V5: one('at the end', 'When all is deleted, the kernel is as it was before.'),
}
