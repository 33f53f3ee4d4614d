/** A host joins a cluster, or leaves it. Whether the servers answer was asked before: a turn asks nobody. */
import type { CommandData, Problem } from '../../../events/index.ts'
import { RefusedError } from '../../../events/index.ts'
import { refuseIf } from '../../../events/refuse.ts'
import type { NetworkView } from '../../../projections/index.ts'
import type { Draft } from '../draft.ts'
import type { Handler } from './decision.ts'
import { endNetwork, endProblems } from './network.ts'

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

export const leaveCluster: Handler<'cluster.leave'> = (draft, { keep = false, kept }) => {
  const { cluster } = draft.view.projections.host
  if (cluster === null)
    throw new RefusedError([
      { code: 'ERR_STATE', message: 'this host is in no cluster: chronet cluster join' },
    ])
  const shared = keep ? [] : sharedNetworks(draft)
  refuseIf(keep ? [] : [...shared.flatMap((each) => inUse(draft, each)), ...notGivenUp(draft, kept)])
  for (const network of shared) endNetwork(draft, network)
  draft.add({ data: { host: cluster.host }, stream: 'host', type: 'ClusterLeft', v: 1 })
  return { purpose: shared.length === 0 ? 'none' : 'cut' }
}

const sharedNetworks = ({ view }: Draft): readonly NetworkView[] =>
  [...view.projections.topology.networks.values()].filter(({ claim }) => claim !== undefined)

const inUse = (draft: Draft, network: NetworkView): readonly Problem[] =>
  endProblems(draft, network).map((problem) => ({
    ...problem,
    message: `${problem.message}; or leave all the same (--keep), and it stays as it is`,
  }))

/** Claims are given up before the turn, by an engine that is in the cluster: what is left is what others use. */
function notGivenUp(draft: Draft, kept: readonly string[] | undefined): readonly Problem[] {
  const { grants } = draft.view.projections.claims
  const left = [...grants.keys()].filter((key) => kept?.includes(key) !== true)
  if (left.length === 0) return []
  const why = kept === undefined ? 'no engine runs here that could; start one (chronet engine)' : 'ask again'
  return [
    {
      code: 'ERR_CLUSTER_UNAVAILABLE',
      message: `this host has ${left.length} claim${left.length === 1 ? '' : 's'} in the cluster that ${left.length === 1 ? 'was' : 'were'} not given up: ${why}, or leave all the same (--keep)`,
    },
  ]
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
