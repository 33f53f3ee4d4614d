/** The commands of every day, which are loaded together. */
export { connect, disconnect, endpointLeaves } from './endpoint.ts'
export { networkLeaves } from './network.ts'
export { sandboxLeaves } from './sandbox.ts'
