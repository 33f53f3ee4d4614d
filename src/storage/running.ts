/** Whether a process is there: one that is another user's is too (kill(2)). */
import { codeOf } from './errors.ts'

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}
