import { expect, test } from 'vitest'
import { LineProcess } from './line-process.ts'

const ECHO = `
console.log('{"ready":true}')
require('node:readline').createInterface({ input: process.stdin }).on('line', line => {
  const { say } = JSON.parse(line)
  if (say === 'end') process.exit()
  console.log(JSON.stringify(say === 'fail' ? { error: 'as told' } : { said: say }))
})`

test('asks and answers, passes failures on, and notices the end', async () => {
  const peer = await LineProcess.start(process.execPath, ['-e', ECHO])
  expect(await peer.ask({ say: 'a\nb' })).toEqual({ said: 'a\nb' })
  await expect(peer.ask({ say: 'fail' })).rejects.toThrow('as told')
  expect(await peer.ask({ say: 'c' })).toEqual({ said: 'c' })
  await expect(peer.ask({ say: 'end' })).rejects.toThrow('ended')
})

test('a command that is not there, or ends at once, is an error', async () => {
  await expect(LineProcess.start('/nowhere/python', [])).rejects.toThrow('ENOENT')
  await expect(LineProcess.start(process.execPath, ['-e', ''])).rejects.toThrow('ended')
})

test('closing ends the process', async () => {
  const peer = await LineProcess.start(process.execPath, ['-e', ECHO])
  await peer.close()
  await expect(peer.ask({ say: 'x' })).rejects.toThrow()
})
