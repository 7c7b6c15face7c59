// metrics.mjs — what /metrics said at one moment.
//
//     const before = await Metrics.of(server);
//     …
//     (await Metrics.of(server)).since(before, 'vibesync_joins_total')
export class Metrics {
    static async of(server) {
        const answer = await fetch(`${server.url}/metrics`, {
            headers: { authorization: `Bearer ${server.metricsToken}` }, signal: AbortSignal.timeout(20_000),
        });
        if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status}: ${await answer.text()}`);
        return new Metrics(await answer.text());
    }

    constructor(text) {
        this.samples = new Map(text.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => {
            const at = line.lastIndexOf(' ');
            return [line.slice(0, at), Number(line.slice(at + 1))];
        }));
    }

    get(name) {
        if (!this.samples.has(name)) throw new Error(`there is no ${name}`);
        return this.samples.get(name);
    }

    since(before, name) {
        return this.get(name) - before.get(name);
    }

    limited(limit) {
        return this.get(`vibesync_limited_total{limit="${limit}"}`);
    }
}
