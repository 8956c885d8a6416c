// What a program does with @clickhouse/client; it ends with 0 when all of it went as with a server.
import assert from 'node:assert/strict'
import { createClient } from '@clickhouse/client'

const options = { url: process.argv[2], username: 'bob', password: 'secret', database: 'shown' }
const client = createClient({ ...options, compression: { request: true, response: true } })

const pinged = await client.ping()
assert.ok(pinged.success, String(pinged.error))

const rows = await (await client.query({
  query: 'SELECT channel, amount FROM orders WHERE channel = {channel:String}', format: 'JSONEachRow', query_params: { channel: 'web' },
})).json()
assert.deepEqual(rows, [{ channel: 'web', amount: 10.5 }])

await client.command({ query: 'CREATE TABLE nodes (n UInt32, s String) ENGINE = MergeTree ORDER BY n' })
const inserted = await client.insert({
  table: 'nodes', format: 'JSONEachRow', values: Array.from({ length: 20000 }, (_, n) => ({ n, s: `row ${n}` })),
})
assert.equal(inserted.summary.written_rows, '20000')
const counted = await client.query({ query: 'SELECT count() AS c, sum(n) AS s FROM nodes', format: 'JSON' })
assert.deepEqual((await counted.json()).data, [{ c: 20000, s: 199990000 }])

await assert.rejects(client.query({ query: 'SELECT * FROM nowhere' }), (e) => e.code === '60' && e.type === 'UNKNOWN_TABLE')
await assert.rejects(createClient({ ...options, password: 'wrong' }).query({ query: 'SELECT 1' }), (e) => e.code === '516')

// A result that breaks off is never taken for a whole one.
for (const compression of [{ response: false }, { response: true }]) {
  const broken = createClient({ ...options, compression })
  await assert.rejects(async () => {
    const stream = (await broken.query({ query: 'SELECT number, throwIf(number = 400000) FROM numbers(1000000)', format: 'JSONEachRow' })).stream()
    for await (const _ of stream) ;
  }, (e) => { console.log('broken off:', String(e).slice(0, 100)); return true })
  await broken.close()
}

const inSession = createClient({ ...options, session_id: 'javascript' })
await inSession.command({ query: 'CREATE TEMPORARY TABLE mine (n UInt8)' })
await inSession.insert({ table: 'mine', values: [{ n: 7 }], format: 'JSONEachRow' })
assert.deepEqual(await (await inSession.query({ query: 'SELECT n FROM mine', format: 'JSONEachRow' })).json(), [{ n: 7 }])
await inSession.close()

const abort = new AbortController()
setTimeout(() => abort.abort(), 200)
await assert.rejects(client.query({ query: 'SELECT max(sipHash64(number)) FROM numbers(100000000000)', abort_signal: abort.signal }))
await client.close()
console.log('all is well')
