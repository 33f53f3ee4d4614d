/** Somebody asks the engine at a socket; what it says until it hangs up, as JSON. */
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

const socket = connect(process.argv[2] ?? '')
socket.write('{"id":1,"method":"status"}\n')
const lines = (await text(socket)).trim().split('\n')
console.log(JSON.stringify(lines.map((line) => JSON.parse(line) as unknown)))
