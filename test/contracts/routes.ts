/** Claims about what the port tells of the host's own routes. */
import { describe, expect, it } from 'vitest'
import { ALL, type Bench } from './bench.ts'

/** Part of the kernel contract. */
export function routeClaims({ machine, make }: Bench): void {
  /** What is told, without IPv6 link-local subnets, which a kernel makes by itself. */
  const told = async (): Promise<readonly string[]> =>
    (await machine().kernel.routes())
      .filter(({ dst, link }) => link !== 'lo' && !dst.startsWith('fe80:'))
      .map(({ dst, link }) => `${dst} ${link}`)
      .sort()

  describe("the host's routes", () => {
    it("are told of strangers' links only, each once, whatever we put beside them", async () => {
      const { human } = machine()
      await human.addForeignBridge('theirs')
      await human.upLink('host', 'theirs')
      await human.addAddress('host', 'theirs', '10.1.2.3/24')
      await human.addRoute('host', '10.50.0.0/16', 'theirs')
      await make(...ALL)
      expect(await told()).toEqual(['10.1.2.0/24 theirs', '10.50.0.0/16 theirs'])
    })

    it('have default routes among them', async () => {
      const { human } = machine()
      await human.addForeignBridge('theirs')
      await human.upLink('host', 'theirs')
      await human.addRoute('host', '0.0.0.0/0', 'theirs')
      await human.addRoute('host', '::/0', 'theirs')
      expect(await told()).toEqual(['0.0.0.0/0 theirs', '::/0 theirs'])
    })

    it('count the subnet of an address on a link that is down', async () => {
      const { human } = machine()
      await human.addForeignBridge('theirs')
      await human.addAddress('host', 'theirs', '10.1.2.3/24')
      expect(await told()).toEqual(['10.1.2.0/24 theirs'])
    })

    it('are the same after a restart, when no link is remembered', async () => {
      await make(...ALL)
      await machine().reopen()
      expect(await told()).toEqual([])
    })
  })
}
