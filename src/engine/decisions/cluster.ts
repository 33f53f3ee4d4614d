/** A host joins a cluster, or leaves it. Whether the servers answer was asked before: a turn asks nobody. */
import type { CommandData, Problem } from '../../../events/index.ts'
import { RefusedError } from '../../../events/index.ts'
import { refuseIf } from '../draft.ts'
import type { Handler } from './decision.ts'

/** A name that can stand in a table and on a command line. */
const HOST = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

export const joinCluster: Handler<'cluster.join'> = (draft, data) => {
  refuseIf(problemsOf(data))
  const { allowLegacyServer = false, ca, certificate, credentials, host, key, servers } = data
  draft.add({
    data: {
      allowLegacyServer,
      ...(ca === undefined ? {} : { ca }),
      ...(certificate === undefined ? {} : { certificate }),
      ...(credentials === undefined ? {} : { credentials }),
      host,
      ...(key === undefined ? {} : { key }),
      servers,
    },
    stream: 'host',
    type: 'ClusterJoined',
    v: 1,
  })
  return { purpose: 'none' }
}

export const leaveCluster: Handler<'cluster.leave'> = (draft) => {
  const { cluster } = draft.view.projections.host
  if (cluster === null)
    throw new RefusedError([
      { code: 'ERR_STATE', message: 'this host is in no cluster: chronet cluster join' },
    ])
  draft.add({ data: { host: cluster.host }, stream: 'host', type: 'ClusterLeft', v: 1 })
  return { purpose: 'none' }
}

function problemsOf({ certificate, host, key }: CommandData['cluster.join']): readonly Problem[] {
  const problems: Problem[] = []
  if (!HOST.test(host))
    problems.push({
      code: 'ERR_INVALID',
      field: 'host',
      message: `'${host.slice(0, 63)}' is no name for a host: letters, digits, '.', '_' and '-', 63 at most, a letter or digit first`,
    })
  if ((certificate === undefined) !== (key === undefined))
    problems.push({
      code: 'ERR_INVALID',
      field: certificate === undefined ? 'certificate' : 'key',
      message: 'a certificate and its key go together: give both files, or neither',
    })
  return problems
}
