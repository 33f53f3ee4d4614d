/**
 * What the log says of its host: the newest epoch, and the boot and namespace it ran in. An engine that starts compares
 * them with what it finds, to know whether the kernel it left is still there.
 */
import type { ClusterJoined, Epoch } from '../events/index.ts'
import { defineProjection } from './define.ts'

export type HostView = {
  /** /proc/sys/kernel/random/boot_id of the newest epoch; empty before the first. */
  readonly bootId: string
  /** Where its log is published to; null: it is alone. (Snapshots are JSON: what is absent would not come back.) */
  readonly cluster: ClusterJoined['data'] | null
  /** SO_NETNS_COOKIE of the namespace taken as the host. */
  readonly cookie: string
  /** 0 before the first. */
  readonly epoch: Epoch
}

const INIT: HostView = { bootId: '', cluster: null, cookie: '', epoch: 0 as Epoch }

export const host = defineProjection({
  name: 'host',
  version: 2,
  init: INIT,
  on: {
    ClusterJoined: (state, { data }) => ({ ...state, cluster: data }),
    ClusterLeft: (state) => ({ ...state, cluster: null }),
    HostStarted: (state, { data: { bootId, cookie, epoch } }) => ({ ...state, bootId, cookie, epoch }),
  },
})
