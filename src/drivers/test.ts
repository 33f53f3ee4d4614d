/**
 * The test driver: networks of a cluster whose data plane does nothing, as the reference has one. Names, pools and addresses are
 * claimed, given and released as for any other; no link is made and no packet goes anywhere.
 */
import type { CommandData, Problem } from '../../events/index.ts'
import { quoted } from '../ipam/index.ts'
import type { Driver } from './driver.ts'

export const testDriver: Driver = {
  name: 'test',
  endpointSpecs: () => [],
  hostSpecs: () => [],
  networkSpecs: () => [],
  // Nothing leaves it, so no default route goes by it.
  readOptions: ({ options = {}, ...request }) => ({
    problems: Object.keys(options)
      .sort()
      .map((name) => odd(request.name, `option ${quoted(name)}`, 'options')),
    request: { ...request, internal: true },
  }),
  scope: 'cluster',
  validate: ({ bridge, name }: CommandData['network.create']) =>
    bridge === undefined ? [] : [odd(name, 'a bridge', 'bridge')],
  // VXLAN has 24 bits for it; the reference begins here, too.
  vnis: { first: 4096, last: 2 ** 24 - 1 },
}

const odd = (network: string, what: string, field: string): Problem => ({
  code: 'ERR_UNSUPPORTED',
  field,
  message: `network ${quoted(network)}: the test driver takes no such thing as ${what}; leave it out`,
})
