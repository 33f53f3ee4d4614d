/** A host's place in a cluster, as a program that embeds chronet says it. */
import { isAbsolute, resolve } from 'node:path'
import type { ClusterJoined } from '../../events/index.ts'
import type { BusOptions } from '../bus/bus.ts'

/** Where the servers are, how they know us, and what peers call this host. */
export type ClusterOptions = BusOptions & { readonly host: string }

/** The command that makes it so; undefined: the log says it already. Files are named whole: the log outlives the working directory. */
export function joiningAs(
  { allowLegacyServer, ca, certificate, credentials, host, key, servers }: ClusterOptions,
  member: ClusterJoined['data'] | null,
): { readonly data: ClusterOptions; readonly type: 'cluster.join' } | undefined {
  const files = Object.entries({ ca, certificate, credentials, key })
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .map(([name, path]) => [name, isAbsolute(path) ? path : resolve(path)] as const)
  const access: Omit<ClusterJoined['data'], 'allowLegacyServer'> = {
    host,
    servers,
    ...Object.fromEntries(files),
  }
  const wanted = { ...access, allowLegacyServer: allowLegacyServer ?? false }
  if (member !== null && textOf(member) === textOf(wanted)) return undefined
  return {
    data: allowLegacyServer === true ? { ...access, allowLegacyServer } : access,
    type: 'cluster.join',
  }
}

const textOf = (data: ClusterJoined['data']): string =>
  JSON.stringify(Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1)))
