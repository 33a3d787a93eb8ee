import { expect, test } from 'vitest'
import { scriptedClient } from '../scripted-server.ts'

const card = { id: 'ngm_00000000', object: 'ngram_model' }

test('text goes as JSON', async () => {
  const { client, requests } = scriptedClient([Response.json(card)])
  expect(await client.ngramModels.create({ text: 'a b c', order: 2 })).toEqual(card)
  expect(await requests[0]!.json()).toEqual({ text: 'a b c', order: 2 })
})

test('a file goes as a form', async () => {
  const { client, requests } = scriptedClient([Response.json(card)])
  await client.ngramModels.create({
    file: new File(['\\data\\'], 'model.arpa'),
    prune: [0, 1],
    lowercase: true,
  })
  const form = await requests[0]!.formData()
  expect([...form].filter(([name]) => name !== 'file')).toEqual([
    ['prune[]', '0'],
    ['prune[]', '1'],
    ['lowercase', 'true'],
  ])
  expect(await (form.get('file') as File).text()).toBe('\\data\\')
})

test('list, retrieve and delete go to their paths', async () => {
  const { client, requests } = scriptedClient([1, 2, 3].map(() => Response.json(card)))
  await client.ngramModels.list({ limit: 5, after: 'ngm_00000000' })
  await client.ngramModels.retrieve('ngm_00000000')
  await client.ngramModels.delete('../models')
  expect(requests.map(({ method, url }) => `${method} ${url.replace('http://server.test', '')}`)).toEqual([
    'GET /v1/ngram-models?limit=5&after=ngm_00000000',
    'GET /v1/ngram-models/ngm_00000000',
    'DELETE /v1/ngram-models/..%2Fmodels',
  ])
})
