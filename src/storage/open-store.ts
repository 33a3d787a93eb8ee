/** Where objects are kept, by one setting. For Node; Workers have bindings. */
import { FileStore } from './file-store.ts'
import type { ObjectStore } from './object-store.ts'

/** Folder of a server that was told nothing else; edge and worker of one checkout share it. */
export const defaultStoreLocation = 'build/store'

/**
 * @param location value of AURICLE_STORE: a folder, or `s3://bucket/prefix` with the variables that AWS's tools read
 *   (AWS_REGION, AWS_ACCESS_KEY_ID, ..., and AWS_ENDPOINT_URL_S3 for a server of another kind)
 * @param environment where the SDK finds those variables too
 * @throws TypeError for an s3: URL without a bucket
 */
export async function openStore(
  location: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ObjectStore> {
  if (!location.startsWith('s3:')) return new FileStore(location)
  const parsed = /^s3:\/\/([a-z0-9][a-z0-9.-]+)(?:\/(.*?))?\/?$/.exec(location)
  if (parsed === null)
    throw new TypeError(`AURICLE_STORE: '${location}' is not s3://bucket or s3://bucket/prefix.`)
  const [, bucket = '', prefix = ''] = parsed
  // The SDK is large: whoever keeps files doesn't load it.
  const [{ S3Client }, { S3Store }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('./s3-store.ts'),
  ])
  // Servers that aren't AWS rarely have a host name for each bucket.
  const client = new S3Client({ forcePathStyle: environment['AWS_ENDPOINT_URL_S3'] !== undefined })
  return new S3Store({ client, bucket, prefix: prefix === '' ? '' : `${prefix}/` })
}
