/** Options under Docker's names: each is read, done anyway, or refused by the name of what is missing. */
import { describe, expect, it } from 'vitest'
import { bridgeDriver } from '../../src/drivers/index.ts'

const BRIDGE = 'com.docker.network.bridge'
const NETWORK = 'com.docker.network'

const read = (options: Readonly<Record<string, string>>, fields: object = {}) => {
  const { problems, request } = bridgeDriver.readOptions({
    driver: 'bridge',
    name: 'web',
    options,
    ...fields,
  })
  return {
    codes: problems.map(({ code }) => code),
    messages: problems.map(({ message }) => message),
    request,
  }
}

describe('an option', () => {
  it.each([
    [`${BRIDGE}.name`, 'br0', { bridge: 'br0' }],
    [`${BRIDGE}.enable_ip_masquerade`, 'false', { masquerade: false }],
    [`${BRIDGE}.enable_ip_masquerade`, 'T', { masquerade: true }],
    [`${NETWORK}.driver.mtu`, '1400', { mtu: 1400 }],
    [`${NETWORK}.driver.mtu`, '0', { mtu: 0 }],
    [`${NETWORK}.container_iface_prefix`, 'net', { ifPrefix: 'net' }],
    [`${NETWORK}.enable_ipv4`, '0', { ipv4: false }],
    [`${NETWORK}.enable_ipv6`, '1', { ipv6: true }],
    [`${NETWORK}.internal`, 'true', { internal: true }],
    [`${BRIDGE}.enable_icc`, 'true', {}],
    [`${BRIDGE}.inhibit_ipv4`, 'false', {}],
    [`${BRIDGE}.default_bridge`, 'False', {}],
    [`${BRIDGE}.gateway_mode_ipv4`, 'nat', {}],
  ])('%s=%s is what a field says', (key, value, fields) => {
    const { codes, request } = read({ [key]: value })
    expect(codes).toEqual([])
    expect(request).toEqual({ driver: 'bridge', name: 'web', ...fields })
  })

  it.each([
    [`${BRIDGE}.enable_icc`, 'false', 'isolation of endpoints on one network'],
    [`${BRIDGE}.inhibit_ipv4`, 'true', "a bridge without its gateway's address"],
    [`${BRIDGE}.default_bridge`, 'true', 'a default bridge'],
    [`${BRIDGE}.gateway_mode_ipv4`, 'routed', 'a gateway mode other than nat'],
    [`${BRIDGE}.gateway_mode_ipv6`, 'isolated', 'a gateway mode other than nat'],
    [`${BRIDGE}.host_binding_ipv4`, '0.0.0.0', 'publishing of ports'],
    [`${BRIDGE}.host_binding_ipv6`, '::', 'publishing of ports'],
    [`${BRIDGE}.trusted_host_interfaces`, 'eth0', 'access from chosen interfaces'],
    [`${NETWORK}.host_ipv4`, '192.0.2.1', 'a chosen source address'],
    [`${NETWORK}.host_ipv6`, '2001:db8::1', 'a chosen source address'],
  ])('%s=%s names the capability that is missing', (key, value, missing) => {
    const { codes, messages } = read({ [key]: value })
    expect(codes).toEqual(['ERR_UNSUPPORTED'])
    expect(messages[0]).toContain(missing)
    expect(messages[0]).toContain('is not there yet')
  })

  it.each([
    [`${BRIDGE}.enable_icc`, 'zz'],
    [`${BRIDGE}.enable_ip_masquerade`, ''],
    [`${BRIDGE}.gateway_mode_ipv4`, 'NAT'],
    [`${NETWORK}.driver.mtu`, '-2'],
    [`${NETWORK}.driver.mtu`, '1e3'],
    [`${NETWORK}.driver.mtu`, '01500'],
    [`${NETWORK}.driver.mtu`, '1000000000'],
    [`${NETWORK}.nothing`, 'x'],
    ['__proto__', 'x'],
    ['toString', 'x'],
  ])('%s=%s is refused', (key, value) => {
    expect(read(Object.fromEntries([[key, value]])).codes).toEqual(['ERR_INVALID'])
  })

  it('may say what its field says, and nothing else', () => {
    const options = { [`${NETWORK}.driver.mtu`]: '1400' }
    expect(read(options, { mtu: 1400 }).codes).toEqual([])
    const { codes, messages } = read(options, { mtu: 1500 })
    expect(codes).toEqual(['ERR_INVALID'])
    expect(messages[0]).toContain("it says '1400', and mtu says '1500'")
  })
})

describe('options', () => {
  it('are refused with all problems at once, in order of their names', () => {
    const { codes } = read({
      z: '1',
      [`${BRIDGE}.host_binding_ipv4`]: '0.0.0.0',
      [`${NETWORK}.internal`]: 'maybe',
    })
    expect(codes).toEqual(['ERR_UNSUPPORTED', 'ERR_INVALID', 'ERR_INVALID'])
  })

  it('are not shown to a terminal as they are', () => {
    expect(read({ '\u001b[2J': 'x' }).messages[0]).not.toContain('\u001b')
    expect(read({ [`${NETWORK}.internal`]: '\u001b[2J' }).messages[0]).not.toContain('\u001b')
  })
})
