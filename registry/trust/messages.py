"""Texts of trusted keys and of signatures that are stored as keys (see pks_portal/messages.py)."""

from django.utils.translation import gettext_noop

from pks_portal import messages

messages.add(
    {
        "error.key_private": gettext_noop("This is a private key. It was not kept."),
        "error.key_private.next": gettext_noop(
            "Paste the public key that belongs to it; of cosign, that is the file cosign.pub."
        ),
        "error.key_certificate": gettext_noop("This is a certificate, not a public key."),
        "error.key_certificate.next": gettext_noop(
            "Paste the public key in it: openssl x509 -pubkey -noout -in certificate.pem"
        ),
        "error.key_several": gettext_noop("There is more than one key in this text."),
        "error.key_several.next": gettext_noop("Add the keys one at a time."),
        "error.key_unreadable": gettext_noop("This is no public key that can be read."),
        "error.key_unreadable.next": gettext_noop(
            "Paste the whole text of a PEM file, from “-----BEGIN PUBLIC KEY-----” to “-----END PUBLIC KEY-----”."
        ),
        "error.key_unsupported": gettext_noop("Keys of this kind cannot be used to check signatures."),
        "error.key_unsupported.next": gettext_noop(
            "Use a key of ECDSA on P-256 or P-384, or of RSA; cosign generate-key-pair makes a fitting one."
        ),
        "error.key_rsa_bits": gettext_noop("This RSA key has %(bits)s bits; %(least)s to %(most)s are accepted."),
        "error.key_rsa_bits.next": gettext_noop("Sign with another key, such as cosign generate-key-pair makes."),
        "signature.valid": gettext_noop("A trusted key made this signature."),
        "signature.wrong_key": gettext_noop("No trusted key made this signature."),
        "signature.other_subject": gettext_noop("A trusted key made this signature, but for something else."),
        "signature.malformed": gettext_noop("The signature is damaged or incomplete."),
        "signature.unsupported": gettext_noop("Signatures of this kind cannot be checked here."),
        "signature.not_a_signature": gettext_noop("This is not a signature."),
    }
)
