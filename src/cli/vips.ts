/** `chronet vip …` */
import { networkColumn, whatOf } from './claims.ts'
import { given, type Leaf } from './leaf.ts'

const create: Leaf = {
  args: [
    ['<network>', 'the network of the cluster that it is on'],
    ['<service>', 'what the service is called'],
  ],
  changes: true,
  examples: ['chronet vip create shared web', 'chronet vip create shared db --ip 10.0.15.230'],
  name: 'create',
  options: [
    { flags: '--ip <address>', what: 'this address, of those kept for services; else the next free one' },
  ],
  run: async (session, [network = '', name = ''], values) => {
    const data = given({ address: values.text('ip'), name, network })
    await session.change({ data, type: 'vip.create' }, ({ commit }) => {
      const granted = commit.facts.find((fact) => fact.type === 'ClaimGranted')?.data
      return `${granted?.cidr ?? 'an address'} is held for ${name} on ${network}`
    })
    return undefined
  },
  summary: 'hold an address for a service, in the whole cluster',
  text: 'It is of the last block of the network, which no host gives to its endpoints; networks of fewer than eight blocks have none. It stays held until this host gives it up, whatever becomes of the host.',
}

const ls: Leaf = {
  examples: ['chronet vip ls', "chronet vip ls --json | jq -r 'select(.own) | .cidr'"],
  name: 'ls',
  run: async (session) => {
    const report = await session.with('read', (operations) => operations.claims())
    const all = report.claims.filter(({ kind, state }) => kind === 'vip' && state !== 'free')
    session.list(
      all,
      [
        { of: ({ name = '-' }) => name, rank: 0, title: 'SERVICE' },
        { of: whatOf, rank: 0, title: 'ADDRESS' },
        networkColumn(report),
        { of: ({ host }) => host, rank: 0, title: 'HOST' },
        { of: ({ own, state }) => (own ? `${state}, here` : state), rank: 0, title: 'STATE' },
      ],
      'no address is held for a service',
    )
    return undefined
  },
  summary: 'addresses that hosts of the cluster hold for services',
}

const rm: Leaf = {
  args: [
    ['<network>', 'the network that it is on'],
    ['<service>', 'what the service is called'],
  ],
  changes: true,
  examples: ['chronet vip rm shared web'],
  name: 'rm',
  run: async (session, [network = '', vip = '']) => {
    await session.change(
      { data: { network, vip }, type: 'vip.delete' },
      () =>
        `the address of ${vip} on ${network} is given up: it rests for a minute, and then others may have it`,
    )
    return undefined
  },
  summary: 'give up the address of a service',
}

export const vipLeaves: readonly Leaf[] = [create, ls, rm]
