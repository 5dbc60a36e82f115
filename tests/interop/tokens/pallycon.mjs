// PallyCon's license token, made by the steps of the vendor's tutorial for Node.

import crypto from 'node:crypto';

export function pallycon(site, fields, policy) {
  const cipher = crypto.createCipheriv('aes-256-cbc', site.siteKey, '0123456789abcdef');
  const encrypted = cipher.update(policy, 'utf8', 'base64') + cipher.final('base64');
  const { drm_type, user_id, cid, timestamp } = fields;
  const text = site.accessKey + drm_type + site.siteId + user_id + cid + encrypted + timestamp;
  const hash = crypto.createHash('sha256').update(text, 'utf8').digest('base64');
  const token = {
    drm_type, site_id: site.siteId, user_id, cid, policy: encrypted, timestamp, hash,
    response_format: 'original', key_rotation: false,
  };
  return Buffer.from(JSON.stringify(token)).toString('base64');
}
