/** Claims about the connections that end at an endpoint's addresses. */
import { describe, expect, it } from 'vitest'
import { ipOf, type SandboxId, type Spec } from '../../events/index.ts'
import type { FlowEnd } from '../../src/kernel/kernel.ts'
import { ALL, type Bench, ENDPOINT, eventually } from './bench.ts'
import { addr, addr6, attachedWith, gateway, sandboxId } from './universe.ts'

/** Another on the same network. */
const OTHER = { ...ENDPOINT, n: 2, sandbox: 2 }
const [ONE_IP, OTHER_IP] = [ipOf(addr(ENDPOINT).address), ipOf(addr(OTHER).address)]

const endOf = (specs: readonly Spec[], sandbox: SandboxId): FlowEnd => ({
  addresses: specs.flatMap((spec) =>
    spec.kind === 'addr' && spec.ns === sandbox ? [ipOf(spec.address)] : [],
  ),
  sandbox,
})
const [ONE, ANOTHER] = [ENDPOINT, OTHER].map((each) =>
  endOf([addr(each), addr6(each)], sandboxId(each.sandbox)),
) as [FlowEnd, FlowEnd]

/** Part of the kernel contract. */
export function flowClaims({ machine, make }: Bench): void {
  const flows = (...ends: readonly FlowEnd[]): Promise<number | undefined> => machine().kernel.flows(ends)

  describe('connections', () => {
    it('are none where nobody speaks, or nobody is', async () => {
      expect(await flows(ONE)).toBe(0)
      await make(...ALL)
      expect(await flows(ONE)).toBe(0)
      expect(await flows()).toBe(0)
    })

    it('with the host count until they end, each once', async () => {
      await make(...ALL)
      const talk = () => machine().human.converse(sandboxId(ENDPOINT.sandbox), 'host', gateway(1))
      const [end, endToo] = [await talk(), await talk()]
      expect(await flows(ONE)).toBe(2)
      expect(await flows(ANOTHER)).toBe(0)
      await end()
      await eventually(async () => expect(await flows(ONE)).toBe(1))
      await endToo()
      await eventually(async () => expect(await flows(ONE)).toBe(0))
    })

    it('on one network count for both ends, and once for both together', async () => {
      await make(...ALL, ...attachedWith([4], OTHER))
      const end = await machine().human.converse(
        sandboxId(ENDPOINT.sandbox),
        sandboxId(OTHER.sandbox),
        OTHER_IP,
      )
      expect(await flows(ONE)).toBe(1)
      expect(await flows(ANOTHER)).toBe(1)
      expect(await flows(ONE, ANOTHER)).toBe(1)
      expect(await flows({ ...ONE, addresses: [] })).toBe(0)
      await end()
      await eventually(async () => expect(await flows(ONE, ANOTHER)).toBe(0))
      const back = await machine().human.converse(
        sandboxId(OTHER.sandbox),
        sandboxId(ENDPOINT.sandbox),
        ONE_IP,
      )
      expect(await flows(ONE)).toBe(1)
      await back()
    })

    it('of IPv6 count as those of IPv4 do', async () => {
      await make(...attachedWith([4, 6], ENDPOINT))
      const sandbox = sandboxId(ENDPOINT.sandbox)
      const ends = [
        await machine().human.converse(sandbox, 'host', gateway(1)),
        await machine().human.converse(sandbox, 'host', `fd99:${ENDPOINT.network}::1`),
      ]
      expect(await flows(ONE)).toBe(2)
      expect(await flows({ ...ONE, addresses: ONE.addresses.slice(1) })).toBe(1)
      for (const end of ends) await end()
    })
  })
}
