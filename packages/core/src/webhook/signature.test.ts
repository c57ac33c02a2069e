import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { parseWebhookSecrets, signWebhook } from './signature.ts';

const published = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const other = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

describe('the signature of a webhook', () => {
  it('is the one of the published example', () => {
    const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}' };
    expect(signWebhook(message, 1_614_265_330, parseWebhookSecrets(published))).toEqual({
      'webhook-id': message.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('is accepted by the reference library, by who holds any of the secrets, and not when a byte changed', () => {
    const message = { id: 'evt_0011aabb_12_3', body: JSON.stringify({ text: 'Grüße ☃' }) };
    const seconds = Math.floor(Date.now() / 1000);
    const headers = signWebhook(message, seconds, parseWebhookSecrets(`${published}\n${other}\n`));
    for (const secret of [published, other]) expect(new Webhook(secret).verify(message.body, headers)).toEqual({ text: 'Grüße ☃' });
    expect(() => new Webhook(published).verify(`${message.body} `, headers)).toThrow();
    expect(() => new Webhook(published).verify(message.body, { ...headers, 'webhook-id': 'evt_0011aabb_12_4' })).toThrow();
    const old = signWebhook(message, seconds - 3600, parseWebhookSecrets(published));
    expect(() => new Webhook(published).verify(message.body, old)).toThrow();
  });
});

describe('secrets', () => {
  it.each([
    ['', 'no secret'],
    ['MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'does not begin'],
    ['whsec_Mf KQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'not base64'],
    [`whsec_${Buffer.alloc(23).toString('base64')}`, '23 bytes'],
    [`whsec_${Buffer.alloc(65).toString('base64')}`, '65 bytes'],
    [`${published}\n`.repeat(5), 'more than 4'],
  ])('%j is refused, and not repeated', (text, why) => {
    const refuse = () => parseWebhookSecrets(text);
    expect(refuse).toThrow(why);
    try {
      refuse();
    } catch (error) {
      expect(String(error)).not.toContain('KQ9r8');
    }
  });
});
