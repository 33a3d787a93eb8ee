/** Holds what lies in infra/ against the schemas of those who read it, and against the tree. */
import { readdir, readFile } from 'node:fs/promises'
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject'
import { Deployment } from 'kubernetes-models/apps/v1/Deployment'
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { Namespace } from 'kubernetes-models/v1/Namespace'
import { PersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim'
import { Secret } from 'kubernetes-models/v1/Secret'
import { Service } from 'kubernetes-models/v1/Service'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { parseFleetSettings } from '../src/fleet/settings.ts'

const root = new URL('../', import.meta.url)
const read = (path: string) => readFile(new URL(path, root), 'utf8')

// biome-ignore lint/suspicious/noExplicitAny: what a file holds is what is tested
type Loose = any

async function documentsOf(path: string): Promise<Loose[]> {
  return parseAllDocuments(await read(path), { merge: true }).map(document => {
    if (document.errors.length > 0) throw document.errors[0]
    return document.toJS()
  })
}

const models: Record<string, new (data: Loose) => { validate(): void }> = {
  Deployment,
  Namespace,
  NetworkPolicy,
  PersistentVolumeClaim,
  PodDisruptionBudget,
  ScaledObject,
  Secret,
  Service,
  StatefulSet,
}
const files = (await readdir(new URL('infra/kubernetes', root))).filter(file => file !== 'kustomization.yaml')
const manifests = (await Promise.all(files.map(file => documentsOf(`infra/kubernetes/${file}`)))).flat()
const workloads = manifests.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')

describe('infra/kubernetes', () => {
  test.each(manifests.map(each => [`${each.kind} ${each.metadata.name}`, each]))(
    '%s holds against the schema of its kind',
    (_name, manifest) => {
      const Model = models[manifest.kind]
      if (Model === undefined) throw new Error(`no schema for ${manifest.kind}`)
      new Model(manifest).validate()
      expect(() => new Model({ ...manifest, metadata: 'a name' }).validate()).toThrow()
      if (manifest.kind !== 'Namespace') expect(manifest.metadata.namespace).toBe('auricle')
    },
  )

  test('kustomization.yaml names every manifest but the example', async () => {
    const [kustomization] = await documentsOf('infra/kubernetes/kustomization.yaml')
    expect(kustomization.resources.toSorted()).toEqual(
      files.filter(file => !file.includes('example')).toSorted(),
    )
  })

  test.each(workloads.map(each => [each.metadata.name, each]))(
    '%s has probes, bounds, no privileges, and a network policy of its own',
    (name, { spec }) => {
      const { spec: pod, metadata } = spec.template
      expect(spec.selector.matchLabels).toEqual(metadata.labels)
      expect(pod.securityContext.runAsNonRoot).toBe(true)
      for (const container of pod.containers) {
        for (const probe of ['readinessProbe', 'livenessProbe']) expect(container[probe]).toBeDefined()
        expect(container.resources.requests.memory).toBeDefined()
        expect(container.resources.limits.memory).toBeDefined()
        expect(container.securityContext.capabilities.drop).toEqual(['ALL'])
      }
      const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy')
      expect(policies.some(({ spec: { podSelector } }) => podSelector.matchLabels?.app === name)).toBe(true)
    },
  )

  test('the edge reads the upstreams, and workers beat to every edge', () => {
    const environmentOf = (name: string): Record<string, string> =>
      Object.fromEntries(
        workloads
          .find(({ metadata }) => metadata.name === name)
          .spec.template.spec.containers[0].env.map((each: Loose) => [each.name, each.value]),
      )
    const { workers } = parseFleetSettings({ AURICLE_UPSTREAMS: environmentOf('edge')['AURICLE_UPSTREAMS'] })
    expect(workers[0]!.url).toBe('http://vllm:8000')
    const edge = workloads.find(({ metadata }) => metadata.name === 'edge')
    expect(environmentOf('worker')['AURICLE_FLEET_URL']!.split(',')).toHaveLength(edge.spec.replicas)
  })
})

describe('infra/docker', () => {
  test.each(['edge', 'worker', 'worker-cuda'])(
    '%s copies what is there, as a user, and can be stopped',
    async name => {
      const dockerfile = await read(`infra/docker/${name}.Dockerfile`)
      const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(match =>
        match[1]!.split(' '),
      )
      const tree = await readdir(root)
      expect(copied.filter(path => !tree.includes(path))).toEqual([])
      expect(dockerfile).toMatch(/^USER (?!root)/m)
      const [, command] = /^CMD (\[.*\])$/m.exec(dockerfile) ?? []
      const script = JSON.parse(command!)[1]
      await expect(read(script)).resolves.toBeTruthy()
      for (const [, from] of dockerfile.matchAll(/^FROM (\S+)/gm)) expect(from).toMatch(/:.*\d/)
    },
  )
})

describe('infra/hosts', () => {
  test('the image of RunPod is made of what there is', async () => {
    const dockerfile = await read('infra/hosts/runpod/Dockerfile')
    const [, source] = /^COPY (\S+)/m.exec(dockerfile)!
    await expect(read(source!)).resolves.toContain('runpod.serverless.start')
    expect(dockerfile).toMatch(/^USER (?!root)\S+\nCMD /m)
  })

  test('Cloudflare`s edge is that of wrangler.toml, and containers', async () => {
    const lines = (text: string) => text.split('\n').filter(line => /^\w+ = /.test(line))
    const plain = lines(await read('wrangler.toml'))
    const changed = plain.filter(line => /^(main|directory|AURICLE_WORKERS) /.test(line))
    const there = new Set(lines(await read('infra/hosts/cloudflare/wrangler.toml')))
    expect(plain.filter(line => !there.has(line))).toEqual(changed)
    await expect(read('infra/docker/worker.Dockerfile')).resolves.toContain('EXPOSE 8081')
  })
})

describe('infra/compose', () => {
  test('builds what is there, mounts what is there, and needs its secrets', async () => {
    const text = await read('infra/compose/compose.yaml')
    const [{ services, volumes }] = await documentsOf('infra/compose/compose.yaml')
    for (const service of Object.values<Loose>(services)) {
      if (service.build) await read(service.build.dockerfile)
      else expect(service.image).toMatch(/:v?\d/)
      for (const volume of service.volumes ?? []) {
        const [source] = volume.split(':')
        if (source.startsWith('./'))
          await expect(readdirOrFile(`infra/compose/${source}`)).resolves.toBeTruthy()
        else expect(Object.keys(volumes)).toContain(source)
      }
    }
    expect(text).toContain(String.raw`\${AURICLE_FLEET_SECRET:?`.slice(1))
    expect(services['second-worker'].environment.AURICLE_FLEET_URL).toBe('http://edge:8080')
    const [prometheus] = await documentsOf('infra/compose/prometheus.yml')
    const targets = prometheus.scrape_configs.flatMap((job: Loose) => job.static_configs[0].targets)
    for (const target of targets) expect(Object.keys(services)).toContain(target.split(':')[0])
  })

  test('the dashboard asks for metrics that there are, and its panels do not overlap', async () => {
    const dashboard = JSON.parse(await read('infra/compose/grafana/dashboards/auricle.json'))
    const operations = await read('docs/operations.md')
    const taken = new Set<string>()
    for (const { targets = [], gridPos } of dashboard.panels) {
      for (const { expr } of targets) {
        for (const [metric] of expr.matchAll(/auricle_edge_\w+/g)) {
          expect(operations).toContain(`\`${metric.replace(/_bucket$/, '')}\``)
        }
      }
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x} ${y}`)).toBe(false)
          taken.add(`${x} ${y}`)
        }
      }
    }
  })
})

async function readdirOrFile(path: string): Promise<unknown> {
  return read(path).catch(() => readdir(new URL(path, root)))
}
