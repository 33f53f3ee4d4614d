/**
 * Somebody who has nothing to do with chronet and reads what happens on all its hosts, from NATS alone: each commit is a line of
 * JSON, and names the SHA-256 of the line before it, so that a reader can prove that nothing is missing and nothing was changed.
 *
 *   nats-server -js & chronet cluster join nats://127.0.0.1:4222
 *   npx tsx examples/event-consumer.ts nats://127.0.0.1:4222        (until interrupted; `--once`: what there is)
 */
import { createHash } from 'node:crypto'
import { AckPolicy, connect, DeliverPolicy } from 'nats'

type Commit = {
  readonly at: string
  readonly command: { readonly type: string }
  readonly facts: readonly { readonly stream: string; readonly type: string }[]
  readonly prev: string
  readonly seq: number
}

const STREAM = 'CHRONET_LOG'
const [server = 'nats://127.0.0.1:4222', flag] = process.argv.slice(2)
const connection = await connect({ servers: server })
const manager = await connection.jetstreamManager()
const { last_seq: last } = (await manager.streams.info(STREAM)).state
const { name } = await manager.consumers.add(STREAM, {
  ack_policy: AckPolicy.None,
  deliver_policy: DeliverPolicy.All,
})
const consumer = await connection.jetstream().consumers.get(STREAM, name)
const messages = await consumer.consume()
const close = (): void => void messages.close()
process.once('SIGINT', close)
if (flag === '--once' && last === 0) close()

/** By host: the hash of the last line that was read. */
const links = new Map<string, string>()
for await (const { data, headers, seq, subject } of messages) {
  const host = subject.replace('chronet.log.', '')
  // A commit that is too large for a message comes in parts; this reader leaves it out, and begins its chain anew.
  if (headers?.has('chronet-offset')) links.delete(host)
  else for (const line of Buffer.from(data).toString().split('\n')) read(host, line)
  if (flag === '--once' && seq >= last) break
}
await connection.close()

function read(host: string, line: string): void {
  const { at, command, facts, prev, seq }: Commit = JSON.parse(line) as Commit
  const before = links.get(host)
  if (before !== undefined && before !== prev)
    throw new Error(`#${seq} of ${host} does not follow from the line before it`)
  links.set(host, createHash('sha256').update(line).digest('hex'))
  console.log(
    `${at} ${host.slice(0, 12)} #${seq} ${command.type}: ${facts.map(({ type }) => type).join(', ')}`,
  )
}
