/** The README's table: what was measured, beside what it is measured against. */

/** Rows by benchmark, in the order of the table: what, figure, beside it. */
const ROWS = {
  attach: ({ burst, ipBatch, levels }) => [
    ...levels.flatMap((level) => [
      [
        `attach, durable and done in the kernel, ${level.present} endpoints present`,
        `${level.attach} ms`,
        `${level.attachRatio}× the same kernel work in C (${level.floor} ms)`,
      ],
      [
        `the same, ${burst} at once`,
        `${level.attach32} ms each`,
        `${level.ratio32}× C (${level.floor32} ms)`,
      ],
      [
        `detach, ${level.present} endpoints present`,
        `${level.detach} ms`,
        `in the kernel ${level.sweepRatio}× a deletion by group in C`,
      ],
    ]),
    ['attach with `ip -batch`', `${ipBatch} ms`, 'no log, no checks'],
  ],
  undecided: ({ alone, burst, present, ratio, ratio32 }) => [
    [
      `attach by a program that decides nothing: a row synced, the same kernel port, ${present} present`,
      `${alone} ms; ${burst} ms each of 32 at once`,
      `${ratio}× and ${ratio32}× C: what is left for an engine`,
    ],
  ],
  share: ({ levels }) => [
    [
      `attach alone on a kernel that says yes, ${levels.map(({ present }) => present).join(', ')} endpoints attached`,
      `${levels.map(({ attach }) => attach).join(', ')} ms`,
      `the engine's own work: ${levels.map(({ active }) => active).join(', ')} ms`,
    ],
  ],
  families: ({ dual, dualRatio, v4, v6, v6Ratio }) => [
    [
      'attach to a network of IPv6, and of both',
      `${v6} ms, ${dual} ms`,
      `${v6Ratio}× and ${dualRatio}× an attach with IPv4 alone (${v4} ms)`,
    ],
  ],
  crowd: ({ attached, kbPerEndpoint, next, ownRatio, ratio, reserved }) => [
    [
      `attach with ${reserved} endpoints reserved, ${attached} of them attached`,
      `${next} ms`,
      `${ratio}× the tenth, our own share ${ownRatio}×; ${kbPerEndpoint} kB an endpoint`,
    ],
  ],
  log: ({ bare, log }) => [
    ['facts appended by 128 writers, each on disk', `${log}/s`, `bare LevelDB ${bare}/s`],
  ],
  engine: ({ bare, commandsPerSecond, created, growingPerSecond, present }) => [
    [
      `commands of one fact by 128 writers, no kernel, ${present} endpoints present`,
      `${commandsPerSecond}/s`,
      `bare LevelDB ${bare}/s; up to ${created} present: ${growingPerSecond}/s`,
    ],
  ],
  replay: ({ levels }) =>
    levels.map(({ bare, endpoints, open }) => [
      `replay: verify, parse, fold all, ${endpoints} endpoints present`,
      `${open} facts/s`,
      `bare LevelDB ${bare}/s`,
    ]),
  past: ({ endpoints, facts, oneMedian, oneWorst, wholeMedian, wholeWorst }) => [
    [
      `how all of ${facts} facts was at any moment`,
      `${wholeMedian} ms, ${wholeWorst} ms at worst`,
      `one endpoint of ${endpoints}: ${oneMedian} ms, ${oneWorst} ms at worst`,
    ],
  ],
  transfer: ({ exportPerSecond, helpRatio, importPerSecond, listed, listRatio, logMs, manyMs, nodeMs }) => [
    [
      'export and import',
      `${exportPerSecond} and ${importPerSecond} facts/s`,
      'an import verifies and folds',
    ],
    [
      'start of `chronet --help`, and of `network ls` where there is no log: processor time',
      `${helpRatio}× and ${listRatio}× \`node -e 0\``,
      `with the log of 1 network ${logMs} ms more, of ${listed} endpoints ${manyMs} ms; \`node -e 0\` ${nodeMs} ms`,
    ],
  ],
  addresses: ({ chooseFirstUs, chooseLastUs, chooseRatio, chooseWrappedUs, createRatio }) => [
    [
      'the last free address of a /16, found',
      `${Math.max(chooseLastUs, chooseWrappedUs)} µs`,
      `${chooseRatio}× the first (${chooseFirstUs} µs); reserved, durable, ${createRatio}×`,
    ],
  ],
  restart: ({ controllerMs, endpoints, networks, processMs, writes }) => [
    [
      `restart with ${networks} networks and ${endpoints} endpoints`,
      `${controllerMs} ms, ${writes} writes to the kernel`,
      `${processMs} ms from the start of the process`,
    ],
  ],
  simulate: (s) => [
    [
      'simulated: seeds of ten minutes, on one core',
      `${s.seedsPerMinute} a minute`,
      `three hosts, as seeds ask (${s.commitsPerHour} commits an hour): ${s.hoursPerSecond} hours a second`,
    ],
    [
      'simulated: three hosts of a cluster, on each a container attached and one detached a minute',
      `${s.dayPerSecond} hours a second`,
      `${s.dayCommits} commits an hour; nothing asked: ${s.idlePerSecond} hours a second`,
    ],
    [
      'crashes at every port call of every scenario, each looked at to its end',
      `${s.matrixPerMinute} a minute`,
      `${s.matrixRuns} runs on ${s.cores} cores`,
    ],
  ],
  replicate: ({ commitsPerSecond, thereP50, thereP99 }) => [
    [
      'a log sent to another host, on loopback',
      `${commitsPerSecond} commits/s`,
      `a commit is there in ${thereP50} ms (99 in 100: ${thereP99} ms)`,
    ],
  ],
  partition: (p) => [
    [
      `${p.hosts} hosts × ${p.endpoints} endpoints, ${p.cutS} s cut off, healed`,
      `${p.convergedMs} ms to ${p.digests} digests`,
      `leader killed in ${p.leader_messages} messages: ${p.leader_lost} lost, ${p.leader_twice} twice`,
    ],
  ],
  claims: ({ claimP50, networkP50, nextEndpointP50, ofThreeP50 }) => [
    [
      'a claim, one round trip to a server that syncs',
      `${claimP50} ms`,
      `three servers ${ofThreeP50} ms; a network of all hosts ${networkP50} ms, an endpoint on it ${nextEndpointP50} ms`,
    ],
  ],
  hosts: ({ sizes }) => {
    const { cpuMs, diskKb, endpoints, hosts, messages, readMs } = sizes.at(-1)
    return [
      [
        `a host that comes to ${hosts} with ${endpoints} endpoints has all their logs`,
        `${readMs} ms`,
        `${cpuMs} ms of a core, ${messages} messages, ${Math.round(diskKb / 1024)} MiB on its disk`,
      ],
    ]
  },
}

/** @param figures what each benchmark printed, by its name; what was not run has no row */
export function tableOf(figures) {
  const rows = Object.entries(ROWS).flatMap(([name, rowsOf]) => (figures[name] ? rowsOf(figures[name]) : []))
  const lines = [['what', 'figure', 'beside it'], ['---', '---', '---'], ...rows]
  return lines.map((row) => `| ${row.join(' | ')} |`).join('\n')
}
