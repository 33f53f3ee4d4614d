/**
 * The engine's own commands about its host: an epoch begins, strays were removed, the kernel drifted, a sweep is tried again.
 */
import type { Handler } from './decision.ts'
import { stillDue } from './settle.ts'

export const start: Handler<'host.start'> = (draft, data, { given }) => {
  const last = draft.view.projections.host
  draft.add({
    data: {
      bootId: data.bootId,
      code: data.code,
      cookie: data.cookie,
      epoch: given.epoch,
      fresh: last.bootId !== data.bootId || last.cookie !== data.cookie,
    },
    stream: 'host',
    type: 'HostStarted',
    v: 1,
  })
  return { purpose: 'none' }
}

export const observe: Handler<'host.observe'> = (draft, data) => {
  if (data.orphans && data.orphans.length > 0)
    draft.add({ data: { orphans: data.orphans }, stream: 'host', type: 'OrphansRemoved', v: 1 })
  if (data.contention) draft.add({ data: data.contention, stream: 'host', type: 'Contention', v: 1 })
  return { purpose: 'none' }
}

/** Logs the differences and intends their healing in one commit. */
export const drift: Handler<'drift.report'> = (draft, data) => {
  if (data.differences.length === 0 && data.recover.length === 0) return { purpose: 'none' }
  if (data.differences.length > 0)
    draft.add({ data: { differences: data.differences }, stream: 'host', type: 'DriftObserved', v: 1 })
  return { for: [], purpose: data.purpose, steps: data.recover }
}

/** Intends a failed sweep's remaining steps again, for the same streams. */
export const retry: Handler<'effects.retry'> = (draft, data) => {
  const steps = stillDue(data.steps, draft.view.projections.applied)
  return { always: true, for: data.for, purpose: 'sweep', steps }
}
