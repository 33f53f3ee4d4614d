/**
 * What the log says of its host: the newest epoch, and the boot and namespace it ran in. An engine that starts compares
 * them with what it finds, to know whether the kernel it left is still there.
 */
import type { Epoch, HostStarted } from '../events/index.ts'
import type { Projection } from './projection.ts'

export type HostView = {
  /** /proc/sys/kernel/random/boot_id of the newest epoch; empty before the first. */
  readonly bootId: string
  /** SO_NETNS_COOKIE of the namespace taken as the host. */
  readonly cookie: string
  /** 0 before the first. */
  readonly epoch: Epoch
}

export const host: Projection<HostView, 'HostStarted'> = {
  name: 'host',
  version: 1,
  types: ['HostStarted'],
  init: { bootId: '', cookie: '', epoch: 0 as Epoch },
  evolve: (_state, fact: HostStarted) => ({
    bootId: fact.data.bootId,
    cookie: fact.data.cookie,
    epoch: fact.data.epoch,
  }),
}
