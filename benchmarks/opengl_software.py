"""OpenGL reference renderer for benchmarks: Mesa's software rasteriser, which needs no GPU.

It has every advantage: vertices are skinned by this package's kernel, multisampling shades each pixel once
(this package's renderer shades all four samples), and rims and matcaps are left out. The rest is the same:
lit and shade textures, toon ramp, alpha modes, render order, outlines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dance_now.core.errors import DanceNowError
from dance_now.formats3d.materials import ALPHA_MODES, Material
from dance_now.formats3d.meshes import Primitive
from dance_now.formats3d.textures import Texture
from dance_now.render.avatar.avatar import Avatar
from dance_now.render.camera import Camera
from dance_now.render.texture_sampling import LIGHT_DIRECTION

_SAMPLES: Final = 4
_SRGB8_ALPHA8: Final = 0x8C43
_FRAMEBUFFER_SRGB: Final = 0x8DB9
_DEPTH: Final = 0.1  # of the canvas's height; keeps figures between the near and the far plane
_VERTEX: Final = """
#version 330
uniform mat4 view; uniform mat3 turn; uniform float outline;
in vec3 position, normal; in vec2 uv;
out vec3 facing; out vec2 place;
void main() {
    gl_Position = view * vec4(position + outline * normal, 1);
    facing = turn * normal; place = uv;
}
"""
_FRAGMENT: Final = """
#version 330
uniform sampler2D base, shade; uniform vec4 base_factor; uniform vec3 shade_factor, emission, light, line;
uniform float low, high, cutoff, line_mix, outline; uniform int alpha_mode, unlit;
in vec3 facing; in vec2 place;
out vec4 color;
void main() {
    vec4 lit = texture(base, place) * base_factor;
    if (alpha_mode == 1 && lit.a < cutoff) discard;
    float alpha = alpha_mode == 2 ? lit.a : 1.0;
    float side = gl_FrontFacing || outline > 0 ? 1.0 : -1.0;
    float share = clamp((side * dot(normalize(facing), light) - low) / max(high - low, 1e-4), 0.0, 1.0);
    vec3 dark = texture(shade, place).rgb * shade_factor;
    vec3 result = mix(dark, lit.rgb, unlit == 1 ? 1.0 : share) + emission;
    if (outline > 0) result = line * mix(vec3(1), result, line_mix);
    color = vec4(min(result, 1.0) * alpha, alpha);
}
"""


class OpenGlSoftware:
    """Renderer of an avatar like ``Renderer``, with Mesa's llvmpipe.

    Raises:
        DanceNowError: no moderngl, no EGL, or an OpenGL that is not Mesa's software rasteriser.
    """

    def __init__(self, avatar: Avatar, size: int, hide: tuple[str, ...] = ()) -> None:
        self._avatar, self.size = avatar, size
        self._context = _context()
        self._program = self._context.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)
        self._program["base"], self._program["shade"] = 0, 1
        self._program["light"].value = tuple(LIGHT_DIRECTION)
        self._textures: dict[int, Any] = {}
        self._white = self._context.texture((1, 1), 4, b"\xff" * 4)
        shown = avatar.shown_primitives(hide)
        self._parts = [
            self._part(index) for index in sorted(shown, key=lambda index: _order(avatar.primitives[index]))
        ]
        self._canvas = self._context.framebuffer(
            [self._buffer(_SAMPLES)], self._context.depth_renderbuffer((size, size), samples=_SAMPLES)
        )
        self._resolved = self._context.framebuffer([self._buffer(0)])

    @property
    def name(self) -> str:
        """Name of the OpenGL renderer."""
        return str(self._context.info["GL_RENDERER"])

    def render(
        self, world: npt.NDArray[np.float64], camera: Camera, expressions: Mapping[str, float]
    ) -> npt.NDArray[np.uint8]:
        """Renders (size, size, 4) uint8 sRGB, premultiplied; arguments as of ``Renderer.render``."""
        view, turn = np.eye(4), camera.rotation * [[1], [1], [-_DEPTH]] * (2 / camera.height)
        view[:3, :3], view[:3, 3] = turn, -turn @ camera.centre
        self._program["view"].write(view.T.astype(np.float32).tobytes())
        self._program["turn"].write(camera.rotation.T.astype(np.float32).tobytes())
        surfaces = self._avatar.mesh_points(world, expressions)
        self._canvas.use()
        self._context.enable_direct(_FRAMEBUFFER_SRGB)
        self._canvas.depth_mask = True  # without it the depth is not cleared either
        self._canvas.clear()
        for index, vertices, array in self._parts:
            vertices.write(np.concatenate(surfaces[index], axis=1).tobytes())
            self._draw(self._avatar.primitives[index].material, array, camera.height)
        self._context.copy_framebuffer(self._resolved, self._canvas)
        data = self._resolved.read(components=4, alignment=1)
        return np.frombuffer(data, np.uint8).reshape(self.size, self.size, 4)[::-1]

    def _draw(self, material: Material, array: Any, height: float) -> None:
        context, program = self._context, self._program
        context.enable_only(context.DEPTH_TEST | context.BLEND | context.CULL_FACE)
        context.blend_func = context.ONE, context.ONE_MINUS_SRC_ALPHA
        self._canvas.depth_mask = material.writes_depth
        self._texture(material.base_texture).use(0)
        self._texture(material.shade_texture).use(1)
        low, high = material.shade_range
        for name, value in {
            "base_factor": tuple(material.base_color),
            "shade_factor": tuple(material.shade_color),
            "emission": tuple(material.emission),
            "line": tuple(material.outline_color),
            "line_mix": material.outline_mix,
            "low": low,
            "high": high,
            "cutoff": material.cutoff,
            "alpha_mode": ALPHA_MODES.index(material.alpha_mode),
            "unlit": int(material.unlit),
            "outline": 0.0,
        }.items():
            program[name] = value
        if material.double_sided:
            context.disable(context.CULL_FACE)
        context.cull_face = "back"
        array.render()
        if material.outline_mode != "none" and material.outline_width > 0:
            metres = material.outline_width * (height if material.outline_mode == "screen" else 1)
            program["outline"] = max(metres, height / (2 * self.size))
            context.enable(context.CULL_FACE)
            context.cull_face = "front"
            array.render()

    def _part(self, index: int) -> tuple[int, Any, Any]:
        """Primitive index, buffer of its posed vertices, and vertex array."""
        primitive = self._avatar.primitives[index]
        vertices = self._context.buffer(reserve=len(primitive.positions) * 24, dynamic=True)
        uv = self._context.buffer(np.ascontiguousarray(primitive.uv, np.float32).tobytes())
        triangles = self._context.buffer(primitive.triangles.astype(np.uint32).tobytes())
        content = [(vertices, "3f 3f", "position", "normal"), (uv, "2f", "uv")]
        return index, vertices, self._context.vertex_array(self._program, content, triangles)

    def _texture(self, texture: Texture | None) -> Any:
        if texture is None:
            return self._white
        if id(texture.pixels) not in self._textures:
            height, width = texture.pixels.shape[:2]
            made = self._context.texture(
                (width, height), 4, texture.pixels.tobytes(), internal_format=_SRGB8_ALPHA8
            )
            made.build_mipmaps()
            self._textures[id(texture.pixels)] = made
        return self._textures[id(texture.pixels)]

    def _buffer(self, samples: int) -> Any:
        shape = self.size, self.size
        return self._context.texture(shape, 4, samples=samples, internal_format=_SRGB8_ALPHA8)


def _order(primitive: Primitive) -> tuple[int, int]:
    return ALPHA_MODES.index(primitive.material.alpha_mode), primitive.material.queue


def _context() -> Any:
    """Creates an OpenGL 3.3 context without a window."""
    try:
        import moderngl
    except ImportError as error:
        raise DanceNowError("pip install moderngl") from error
    try:
        context = moderngl.create_context(standalone=True, require=330, backend="egl")  # type: ignore[arg-type]
    except Exception as error:  # moderngl raises Exception itself where there is no EGL or no driver
        raise DanceNowError(f"no OpenGL 3.3 without a window ({error})") from error
    if "llvmpipe" not in context.info["GL_RENDERER"]:
        raise DanceNowError(f"OpenGL is {context.info['GL_RENDERER']}, not Mesa's software")
    return context
