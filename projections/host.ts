/**
 * What the log says of its host: the newest epoch, and the boot and namespace it ran in. An engine that starts compares
 * them with what it finds, to know whether the kernel it left is still there.
 */
import type { Epoch } from '../events/index.ts'
import { defineProjection } from './define.ts'

export type HostView = {
  /** /proc/sys/kernel/random/boot_id of the newest epoch; empty before the first. */
  readonly bootId: string
  /** SO_NETNS_COOKIE of the namespace taken as the host. */
  readonly cookie: string
  /** 0 before the first. */
  readonly epoch: Epoch
}

export const host = defineProjection({
  name: 'host',
  version: 1,
  init: { bootId: '', cookie: '', epoch: 0 as Epoch },
  on: {
    HostStarted: (_state, { data: { bootId, cookie, epoch } }) => ({ bootId, cookie, epoch }),
  },
})
