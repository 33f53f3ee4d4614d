/** What is said where the kernel has no nftables, no bridges or no veths. The kernel's answers are written down here as it gives them. */
import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'
import { keyOf, type Origin, type Spec, type Step } from '../../events/index.ts'
import { NetlinkError } from '../../src/kernel/linux/netlink.ts'
import { openFirewall } from '../../src/kernel/linux/nftables/index.ts'
import { demandBirth } from '../../src/kernel/linux/refusal.ts'
import { tableName } from '../../src/reconcile/marks.ts'

const { EEXIST, EMFILE, EOPNOTSUPP, EPERM, EPROTONOSUPPORT } = constants.errno
const ORIGIN = 'a'.repeat(64) as Origin
const FIREWALL: Spec = { kind: 'firewall', table: tableName(ORIGIN) }
const ENSURE: Step = { key: keyOf(FIREWALL), op: 'ensure', spec: FIREWALL }
const REMOVE: Step = { ...ENSURE, op: 'remove', takes: [] }

/** A firewall where no socket can be had. */
const without = (errno: number) =>
  openFirewall({ openSocket: () => Promise.reject(new NetlinkError('socket', errno)), origin: ORIGIN })

describe('a kernel without nftables', () => {
  it('says which modules to load, and has nothing to remove', async () => {
    const firewall = await without(EPROTONOSUPPORT)
    expect(await firewall.apply([ENSURE, REMOVE])).toMatchObject([
      {
        failure: {
          class: 'fatal',
          code: 'EOPNOTSUPP',
          message: expect.stringContaining('modprobe -a nf_tables') as string,
        },
      },
      { changed: false, ok: true },
    ])
    firewall.close()
  })

  it.each([
    ['that may not be asked', EPERM, { class: 'fatal', code: 'EPERM' }],
    ['that cannot be asked now', EMFILE, { class: 'retry', code: 'EMFILE' }],
  ])('is another thing than one %s', async (_, errno, failure) => {
    const firewall = await without(errno)
    expect(await firewall.apply([ENSURE])).toMatchObject([{ failure }])
    firewall.close()
  })
})

describe('a kernel without a link type', () => {
  it.each(['bridge', 'veth'] as const)('says which module to load: %s', (kind) => {
    const birth = () =>
      demandBirth({ errno: EOPNOTSUPP, message: 'Unknown device type', replies: [] }, kind, 'x0')
    expect(birth).toThrow(expect.objectContaining({ code: 'EOPNOTSUPP' }))
    expect(birth).toThrow(`modprobe ${kind}`)
  })

  it('is another thing than a link that is there, or a refusal', () => {
    expect(demandBirth({ errno: EEXIST, message: 'EEXIST', replies: [] }, 'veth', 'x0').errno).toBe(EEXIST)
    expect(() => demandBirth({ errno: EPERM, message: 'EPERM', replies: [] }, 'veth', 'x0')).toThrow(
      'create veth x0: EPERM',
    )
  })
})
