/** Commands of any text, sent to a whole engine: each is done, or refused with typed problems and then nothing has changed. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EngineError, type ClientCommand, type Controller } from '../../src/index.ts'
import { Lab } from './lab.ts'

const near = <T>(...values: T[]) => fc.constantFrom(...values)
const address = near(
  '10.9.0.1',
  '10.9.0.7',
  '10.9.0.255',
  '10.8.0.1',
  'fd00::7',
  '10.9.0.7/24',
  '10.9.0.07',
  '',
  '::',
  'x',
)
const subnet = near(
  '10.9.0.0/24',
  '10.9.0.0/30',
  '10.9.0.1/24',
  '10.0.0.0/8',
  '0.0.0.0/0',
  'fd00::/64',
  'fe80::/64',
  '10.9.0.0/33',
  '/',
  'x',
)
const name = fc.oneof(
  near('web', 'a', 'e1', '', ' ', '..', 'lo', 'eth0', 'x'.repeat(300), '\u0000', 'é'),
  fc.string({ maxLength: 20 }),
)
const mac = near(
  '02:00:00:00:00:01',
  '00:00:00:00:00:00',
  'ff:ff:ff:ff:ff:ff',
  '01:00:5e:00:00:01',
  '02:0:0:0:0:1',
  '',
)
const key = near(
  'com.docker.network.bridge.name',
  'com.docker.network.bridge.enable_icc',
  'com.docker.network.driver.mtu',
  'com.docker.network.enable_ipv6',
  'com.docker.network.container_iface_prefix',
  'x',
)
const value = near('', 'true', 'false', '1500', '67', '65536', 'br0', 'x'.repeat(16))
const mtu = near(-1, 0, 67, 68, 1279, 1280, 1500, 65535, 65536, 2 ** 53)
const pool = fc.record(
  { auxAddresses: fc.dictionary(name, address, { maxKeys: 3 }), gateway: address, ipRange: subnet, subnet },
  { requiredKeys: ['subnet'] },
)

const optional = (fields: Record<string, fc.Arbitrary<unknown>>, ...requiredKeys: string[]) =>
  fc.record(fields, { requiredKeys })
const command = fc.oneof(
  optional(
    {
      bridge: name,
      driver: near('bridge', 'bridge', 'overlay', ''),
      ifPrefix: name,
      internal: fc.boolean(),
      ipv4: fc.boolean(),
      ipv6: fc.boolean(),
      mtu,
      name,
      options: fc.dictionary(key, value, { maxKeys: 3 }),
      subnets: fc.array(pool, { maxLength: 3 }),
    },
    'driver',
    'name',
  ).map((data) => ({ data, type: 'network.create' })),
  optional({ address, address6: address, mac, name, network: name }, 'name', 'network').map((data) => ({
    data,
    type: 'endpoint.create',
  })),
  optional(
    {
      address,
      address6: address,
      ifName: name,
      ifPrefix: name,
      mac,
      name,
      network: near('web', 'x'),
      sandbox: near('a', 'x'),
    },
    'network',
    'sandbox',
  ).map((data) => ({ data, type: 'connect' })),
  optional({ domain: name, hostname: name, name }, 'name').map((data) => ({ data, type: 'sandbox.create' })),
) as fc.Arbitrary<ClientCommand>

const all = ({ queries }: Controller) => [queries.networks(), queries.endpoints(), queries.sandboxes()]

describe('a command of any text', () => {
  it('is done, or refused with typed problems and nothing changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 12, minLength: 1 }), async (commands) => {
        const lab = new Lab()
        const controller = await lab.open()
        await lab.do(controller.newNetwork('bridge', 'web', { ipam: { subnet: '10.9.0.0/24' } }))
        await lab.do(controller.newSandbox('a'))
        for (const each of commands) {
          const before = all(controller)
          const steps = lab.world.steps
          try {
            await lab.do(controller.dispatch(each))
          } catch (error) {
            expect(error).toBeInstanceOf(EngineError)
            expect((error as EngineError).code).toMatch(/^ERR_/)
            if ((error as EngineError).code === 'ERR_EFFECT_FAILED') continue
            expect(all(controller)).toEqual(before)
            expect(lab.world.steps).toBe(steps)
          }
        }
        await lab.do(controller.close())
        const again = await lab.open()
        expect(again.recovered).toEqual({ healed: 0, late: 0, orphans: [] })
        await lab.do(again.close())
      }),
      { numRuns: 60 },
    )
  }, 60_000)
})
