/**
 * What the last free address of a /16 costs beside the first: the choice alone, in microseconds, and a whole
 * `endpoint.create`, durable, one after the other, in milliseconds by the clock. `wrapped` is the choice where the one free
 * address lies at the start and was given first, so that the search begins at the end. No kernel is in it.
 *
 *   node --max-semi-space-size=64 dist/bench/addresses.js [rounds]
 */
import type {
  AnyFact,
  Cidr,
  EndpointId,
  Epoch,
  FactOf,
  FactType,
  IfName,
  Instant,
  Ip,
  Mac,
  NetworkId,
  PlanId,
  Seq,
  Stream,
  Subnet,
} from '../events/index.ts'
import { addressAt, cidrFrom, formatCidr } from '../events/index.ts'
import { foldFact, initialProjections, type Projections } from '../projections/index.ts'
import type { Controller } from '../src/index.ts'
import { chooseAddress } from '../src/ipam/index.ts'
import { openHost } from './open-host.ts'
import { inDirectory, median, printJson, printTable, rounded } from './support.ts'

const ROUNDS = Number(process.argv[2] ?? 3)
const SUBNET: Subnet = { gateway: '10.0.0.1' as Ip, subnet: '10.0.0.0/16' as Cidr }
/** Without the subnet's own, the gateway's and the broadcast address. */
const ADDRESSES = 2 ** 16 - 3
const FIRST_OFFSET = 2
const CHOICES = 20_000
/** Measured at the start, and as many at the end. */
const CREATES = 100
const WRITERS = 128

const network = { id: 'n'.repeat(64) as NetworkId, name: 'web', subnets: [SUBNET] }
const idAt = (offset: number): EndpointId => offset.toString(16).padStart(64, '0') as EndpointId

function fold<T extends FactType>(all: Projections, stream: Stream, type: T, data: FactOf<T>['data']) {
  const fact = { data, stream, type, v: 1, version: 1 } as unknown as AnyFact
  const at = '2026-11-24T09:12:04.113Z' as Instant
  return foldFact(all, fact, { at, epoch: 1 as Epoch, index: 1, seq: 1 as Seq })
}

const created = (): Projections =>
  fold(initialProjections, `network/${network.id}`, 'NetworkCreateRequested', {
    bridge: { mac: '02:00:00:00:00:01' as Mac, name: 'cnb1' as IfName },
    driver: 'bridge',
    internal: false,
    labels: {},
    masquerade: true,
    mtu: 0,
    name: network.name,
    network: network.id,
    plan: '1.1' as PlanId,
    subnets: [SUBNET],
  })

const reserved = (all: Projections, offset: number): Projections =>
  fold(all, `endpoint/${idAt(offset)}`, 'EndpointReserved', {
    addresses: [formatCidr({ address: addressAt(cidrFrom(SUBNET.subnet), offset), length: 16 })],
    endpoint: idAt(offset),
    labels: {},
    mac: `02:42:0a:00:${hex(offset >> 8)}:${hex(offset & 255)}` as Mac,
    name: `e${offset}`,
    network: network.id,
  })

const hex = (byte: number): string => byte.toString(16).padStart(2, '0')

/** Microseconds of one choice, which must give this place. */
function chooseUs({ allocations }: Projections, offset: number): number {
  const expected = formatCidr({ address: addressAt(cidrFrom(SUBNET.subnet), offset), length: 16 })
  const start = performance.now()
  for (let i = 0; i < CHOICES; i++) {
    const chosen = chooseAddress(allocations, network, SUBNET)
    if (!('address' in chosen) || chosen.address !== expected) throw new Error(`${expected} was not chosen`)
  }
  return ((performance.now() - start) * 1000) / CHOICES
}

function choices(): {
  readonly empty: Projections
  readonly last: Projections
  readonly wrapped: Projections
} {
  const empty = created()
  const lastOffset = FIRST_OFFSET + ADDRESSES - 1
  let last = empty
  for (let offset = FIRST_OFFSET; offset < lastOffset; offset++) last = reserved(last, offset)
  const full = reserved(last, lastOffset)
  const first = idAt(FIRST_OFFSET)
  return { empty, last, wrapped: fold(full, `endpoint/${first}`, 'EndpointReleased', { endpoint: first }) }
}

const create = (controller: Controller, i: number): Promise<unknown> =>
  controller.dispatch({ data: { name: `e${i}`, network: 'web' }, type: 'endpoint.create' })

/** The median of so many, one after the other, in milliseconds. */
async function createMs(controller: Controller, from: number): Promise<number> {
  const took: number[] = []
  for (let i = from; i < from + CREATES; i++) {
    const start = performance.now()
    await create(controller, i)
    took.push(performance.now() - start)
  }
  return median(took)
}

async function createRound(path: string): Promise<{ readonly first: number; readonly last: number }> {
  const controller = await openHost(path)
  await controller.newNetwork('bridge', 'web', { ipam: { subnet: SUBNET.subnet } })
  const first = await createMs(controller, 0)
  let next = CREATES
  const writer = async (): Promise<void> => {
    for (let i = next++; i < ADDRESSES - CREATES; i = next++) await create(controller, i)
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
  const last = await createMs(controller, ADDRESSES - CREATES)
  const refused = await create(controller, ADDRESSES).then(
    () => undefined,
    (error: unknown) => (error as { code?: string }).code,
  )
  if (refused !== 'ERR_ADDRESS_EXHAUSTED') throw new Error('there was an address more')
  await controller.close()
  return { first, last }
}

const there = choices()
// Whoever is measured first would pay for the compiler.
for (let i = 0; i < 3; i++) chooseUs(there.empty, FIRST_OFFSET)
const rows: { [column: string]: number }[] = []
for (let round = 0; round < ROUNDS; round++) {
  const [first, last, wrapped] = [
    chooseUs(there.empty, FIRST_OFFSET),
    chooseUs(there.last, FIRST_OFFSET + ADDRESSES - 1),
    chooseUs(there.wrapped, FIRST_OFFSET),
  ]
  const whole = await inDirectory(createRound)
  rows.push({
    chooseFirstUs: rounded(first, 2),
    chooseLastUs: rounded(last, 2),
    chooseWrappedUs: rounded(wrapped, 2),
    createFirstMs: rounded(whole.first, 3),
    createLastMs: rounded(whole.last, 3),
  })
}
printTable('the first and the last free address of a /16', rows)
const of = (column: string): number => median(rows.map((row) => row[column] ?? NaN))
printJson('addresses', {
  addresses: ADDRESSES,
  chooseFirstUs: of('chooseFirstUs'),
  chooseLastUs: of('chooseLastUs'),
  chooseRatio: rounded(Math.max(of('chooseLastUs'), of('chooseWrappedUs')) / of('chooseFirstUs'), 2),
  chooseWrappedUs: of('chooseWrappedUs'),
  createFirstMs: of('createFirstMs'),
  createLastMs: of('createLastMs'),
  createRatio: rounded(of('createLastMs') / of('createFirstMs'), 2),
})
