/** The bus on real servers keeps the contract: a current one, three of them, and the old one of Debian 12. */
import { describe } from 'vitest'
import { busContract } from './contract.ts'
import { RealLab } from './real.ts'
import { CURRENT_SERVER, LEGACY_SERVER } from './server.ts'

describe.skipIf(CURRENT_SERVER === undefined)('current nats-server', () => {
  busContract('nats', () => RealLab.start(CURRENT_SERVER ?? '', 1))
  busContract('nats on three', () => RealLab.start(CURRENT_SERVER ?? '', 3))
})

describe.skipIf(LEGACY_SERVER === undefined)('old nats-server', () => {
  busContract('nats 2.9', () => RealLab.start(LEGACY_SERVER ?? '', 1))
})
