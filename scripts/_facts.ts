import { runSeed } from '../src/simulator/run.ts'
const [seed, from, to] = process.argv.slice(2)
const { logs } = await runSeed({ seed: seed! })
for (const c of logs[0]!.slice(Number(from) - 1, Number(to))) console.log('#' + c.seq, c.epoch, c.at, c.command.type, c.actor.kind, JSON.stringify(c.facts).slice(0, 1500))
