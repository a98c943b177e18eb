from commands.hexdump import hexdump


def test_every_byte_is_there_in_hexadecimal_and_in_ascii() -> None:
    lines = list(hexdump(bytes(range(0x30, 0x42))))
    assert lines == [
        "000000  30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f  0123456789:;<=>?",
        f"000010  {'40 41':<47}  @A",
    ]


def test_what_is_not_printable_is_a_dot() -> None:
    assert list(hexdump(b"\x00\x1f\x7f\xffa")) == [f"000000  {'00 1f 7f ff 61':<47}  ....a"]


def test_what_is_past_the_limit_is_counted() -> None:
    assert list(hexdump(bytes(50), limit=20))[1:] == [f"000010  {'00 00 00 00':<47}  ....", "… 30 bytes more"]
    assert list(hexdump(b"")) == []
