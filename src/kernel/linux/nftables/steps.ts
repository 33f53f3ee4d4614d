/**
 * What steps make of a table, before anything is written: the state after them, and a result for each, true
 * if the transaction from the one to the other succeeds. Pure.
 */
import type {
  FirewallNetworkSpec,
  FirewallSpec,
  ResourceKey,
  Step,
  StepFailure,
} from '../../../../events/index.ts'
import type { StepResult } from '../../kernel.ts'
import {
  draftOf,
  emptyTable,
  impose,
  tableKey,
  wantedOf,
  wantedOfNetwork,
  type Draft,
  type Table,
} from './ruleset.ts'

/** By what we know our table: its name, and the comment that it bears from birth. */
export type Mark = { readonly comment: string; readonly table: string }

/** Whether a table of our name is ours. */
export const isOurs = (mark: Mark, table: Table): boolean => table.comment === mark.comment

export type Evaluation = { readonly after: Table | undefined; readonly results: readonly StepResult[] }

/** @param failures of steps that failed already, by key: they are left out, and what needs them fails too. */
export function evaluate(
  mark: Mark,
  before: Table | undefined,
  steps: readonly Step[],
  failures: ReadonlyMap<ResourceKey, StepFailure>,
): Evaluation {
  const foreign = before !== undefined && !isOurs(mark, before)
  let draft = before === undefined || foreign ? undefined : draftOf(before)
  const failed = new Map(failures)
  const results = steps.map((step): StepResult => {
    const known = failures.get(step.key)
    const done = known ?? evaluateStep(step)
    if (typeof done === 'boolean') return { changed: done, key: step.key, ok: true }
    failed.set(step.key, done)
    return { failure: done, key: step.key, ok: false }
  })
  return { after: foreign ? before : draft, results }

  function evaluateStep({ key, op, spec }: Step): StepFailure | boolean {
    if (spec.kind !== 'firewall' && spec.kind !== 'firewall-network')
      return refuse(key, 'EINVAL', 'fatal', 'this is not for the firewall')
    if (op === 'cut') return refuse(key, 'EOPNOTSUPP', 'fatal', 'a firewall is removed, not cut')
    if (spec.table !== mark.table)
      return refuse(key, 'EINVAL', 'fatal', `the table of this engine is ${mark.table}`)
    if (op === 'remove') return remove(spec)
    if (foreign)
      return refuse(key, 'EEXIST', 'conflict', 'a table of that name is there and does not bear our comment')
    return ensure(key, spec)
  }

  function ensure(key: ResourceKey, spec: FirewallNetworkSpec | FirewallSpec): StepFailure | boolean {
    if (spec.kind === 'firewall') {
      const created = draft === undefined
      draft ??= newDraft(mark)
      return impose(draft, wantedOf(draft, spec)) || created
    }
    const need = failed.get(tableKey(spec))
    if (need !== undefined) return refuse(key, need.code, 'need', 'its table could not be made')
    if (draft === undefined) return refuse(key, 'ENOENT', 'retry', 'its table is not there')
    return impose(draft, wantedOf(draft, spec))
  }

  function remove(spec: FirewallNetworkSpec | FirewallSpec): boolean {
    if (draft === undefined) return false
    if (spec.kind === 'firewall-network') return impose(draft, wantedOfNetwork(spec.bridge))
    draft = undefined
    return true
  }
}

const newDraft = (mark: Mark): Draft => draftOf(emptyTable(mark.comment))

/** A failure of a step, with what failed said first. */
export const refuse = (
  key: ResourceKey,
  code: string,
  failureClass: StepFailure['class'],
  why: string,
): StepFailure => ({ class: failureClass, code, key, message: `firewall ${key}: ${why}` })
