/** Two programs that hold a TCP connection from one namespace to another, and do nothing with it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** Hears every family, so that IPv4 comes to a socket of IPv6, as with most servers. */
const LISTEN = `const server = require('node:net').createServer((socket) => socket.on('error', () => {}).resume())
server.listen(0, () => console.log(server.address().port))`
const CONNECT = `const [ip, port] = process.argv.slice(1)
require('node:net').connect(Number(port), ip, () => console.log('connected'))`

/**
 * Established when it settles.
 * @param from path of a namespace, and `to` of the one that has the address
 * @returns ends it
 */
export async function converse(from: string, to: string, ip: string): Promise<() => Promise<void>> {
  const listener = start(to, LISTEN)
  const port = await listener.said
  const speaker = start(from, CONNECT, ip, port)
  await speaker.said
  return async () => {
    await speaker.end()
    await listener.end()
  }
}

function start(
  netns: string,
  program: string,
  ...words: readonly string[]
): { readonly end: () => Promise<void>; readonly said: Promise<string> } {
  const argv = [`--net=${netns}`, process.execPath, '-e', program, ...words]
  const child: ChildProcess = spawn('nsenter', argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const said = new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (text) => resolve(String(text).trim()))
    child.once('exit', () => reject(new Error(`it ended before it said anything: ${words.join(' ')}`)))
  })
  return {
    end: async () => {
      child.kill()
      await ended
    },
    said,
  }
}
