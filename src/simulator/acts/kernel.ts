/** Kernels that refuse, forget to tell, or take their time. */
import type { Spec, Step } from '../../../events/index.ts'
import type { StepFault } from '../hands.ts'
import { act, MINUTE } from './act.ts'

const ERRNOS = [
  'EBUSY',
  'EEXIST',
  'EINTR',
  'EINVAL',
  'ENFILE',
  'ENOBUFS',
  'ENODEV',
  'ENOMEM',
  'EPERM',
] as const
const KINDS: readonly Spec['kind'][] = [
  'addr',
  'bridge',
  'firewall',
  'firewall-network',
  'netns',
  'route',
  'sysctl',
  'veth',
]
const OPS: readonly Step['op'][] = ['cut', 'ensure', 'remove']

export const kernelActs = {
  'kernel.dumps': act<{ readonly times: number }>({
    draw: (chance) => ({ times: chance.between(1, 4) }),
    everyMs: 3 * MINUTE,
    perform: ({ host }, { times }) => host.kernel.interruptDumps(times),
  }),
  /** A namespace outlives its mount, and so do the veths that lead into it. */
  'kernel.namespace-death': act<{ readonly forMs: number; readonly ms: number }>({
    draw: (chance) => ({ forMs: chance.between(1000, 2 * MINUTE), ms: chance.pick([1, 20, 500, 5000]) }),
    everyMs: 4 * MINUTE,
    perform: ({ host, later }, { forMs, ms }) => {
      host.kernel.delayNamespaceDeath(ms)
      later(forMs, () => host.kernel.delayNamespaceDeath(0))
    },
  }),
  'kernel.overrun': act<object>({
    draw: () => ({}),
    everyMs: 2 * MINUTE,
    perform: ({ host }) => host.kernel.overrun(),
  }),
  'kernel.refuse': act<StepFault>({
    draw: (chance) => ({
      errno: chance.pick(ERRNOS),
      ...(chance.oneIn(3) ? {} : { kind: chance.pick(KINDS) }),
      ...(chance.oneIn(2) ? {} : { op: chance.pick(OPS) }),
      times: chance.oneIn(4) ? chance.between(2, 6) : 1,
      when: chance.pick(['after', 'before', 'within'] as const),
    }),
    everyMs: MINUTE,
    perform: ({ host }, fault) => host.kernel.refuse(fault),
  }),
  'kernel.reuse-indexes': act<{ readonly on: boolean }>({
    draw: (chance) => ({ on: !chance.oneIn(3) }),
    everyMs: 4 * MINUTE,
    perform: ({ host }, { on }) => host.kernel.reuseIndexes(on),
  }),
  'kernel.slow': act<{ readonly forMs: number; readonly stepMs: number }>({
    draw: (chance) => ({ forMs: chance.between(100, 20_000), stepMs: chance.pick([5, 30, 200, 1500]) }),
    everyMs: 3 * MINUTE,
    perform: ({ host }, { forMs, stepMs }) => host.kernel.slow(stepMs, forMs),
  }),
}
